/** The button that goes from the system's theme to light to dark. */

import type { ReactElement } from 'react'
import { Icon } from './icon.tsx'
import { useStore } from './store.ts'
import { nextTheme, theme } from './theme.ts'

const ICONS = { system: 'system', light: 'sun', dark: 'moon' } as const

export function ThemeSwitch(): ReactElement {
    const chosen = useStore(theme)
    return (
        <button
            type="button"
            className="icon-button"
            onClick={() => theme.set(nextTheme(chosen))}
            aria-label={`Theme: ${chosen}. Switch to ${nextTheme(chosen)}`}
        >
            <Icon name={ICONS[chosen]} />
        </button>
    )
}
