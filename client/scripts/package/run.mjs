/** Programs that the checks of the package start, with the Node that runs these. */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The directory of the package. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** @param {string[]} command @returns {{status: number | null, stdout: string, stderr: string}} */
export function node(...command) {
    return spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

/**
 * Compares a text with the committed one, or writes it when that is asked for.
 * @param {string} path @param {string} text @param {boolean} isUpdate @returns {string[]} problems
 */
export function compare(path, text, isUpdate) {
    const file = ROOT + path
    if (isUpdate) writeFileSync(file, text)
    let known = ''
    try {
        known = readFileSync(file, 'utf8')
    } catch {
        // As good as empty.
    }
    if (known === text) return []
    const before = new Set(known.split('\n'))
    const after = new Set(text.split('\n'))
    const lines = [
        ...[...before].filter((line) => !after.has(line)).map((line) => `  - ${line}`),
        ...[...after].filter((line) => !before.has(line)).map((line) => `  + ${line}`),
    ]
    const shown = lines.slice(0, 40).join('\n')
    return [
        `client/${path} is out of date; node scripts/check_package.mjs --update writes it, for you to review:\n${shown}`,
    ]
}
