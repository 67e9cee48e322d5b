/** The first letter of a name on a colour of its own. */

import type { ReactElement } from 'react'

/** Dark enough for white letters. */
const COLOURS = ['#7a4a12', '#1d5c63', '#5a3a8a', '#8a2f4b', '#2f5f2c', '#2b4a8c']

export function colourOf(name: string): string {
    let sum = 13
    for (const letter of name) sum = (sum * 13 + (letter.codePointAt(0) ?? 0)) % 9973
    return COLOURS[sum % COLOURS.length] ?? '#444444'
}

export function Avatar({ name, size = 28 }: { name: string; size?: number }): ReactElement {
    const style = { background: colourOf(name), width: size, height: size, fontSize: size * 0.46 }
    return (
        <span className="avatar" style={style} aria-hidden="true">
            {name.slice(0, 1).toUpperCase()}
        </span>
    )
}
