/** The entry points that package.json exports, by the names of their files. */

import { readFileSync } from 'node:fs'
import { ROOT } from './run.mjs'

/** @returns {string[]} `index`, `react` and so on */
export function entryPoints() {
    const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))
    return Object.values(exports)
        .filter((entry) => typeof entry !== 'string')
        .map((entry) => entry.import.default.replace(/^\.\/dist\/(\w+)\.mjs$/, '$1'))
}
