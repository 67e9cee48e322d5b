/** Dark or light: the system's choice, or the user's. */

import { Store } from './store.ts'

export type Theme = 'system' | 'light' | 'dark'
const KEY = 'saleroom-theme'
const THEMES: readonly Theme[] = ['system', 'light', 'dark']

export const theme = new Store<Theme>(THEMES.find((one) => one === localStorage.getItem(KEY)) ?? 'system')

export function nextTheme(of: Theme): Theme {
    return THEMES[(THEMES.indexOf(of) + 1) % THEMES.length] ?? 'system'
}

function apply(): void {
    const { dataset } = document.documentElement
    if (theme.value === 'system') delete dataset.theme
    else dataset.theme = theme.value
    localStorage.setItem(KEY, theme.value)
}

theme.subscribe(apply)
apply()
