/** The npm that stands beside the Node that runs this. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @returns {string} its entry script */
export function npmScript() {
    const prefix = dirname(dirname(process.execPath))
    const places = [
        'lib/node_modules/npm/bin/npm-cli.js',
        'node_modules/npm/bin/npm-cli.js',
        'share/nodejs/npm/bin/npm-cli.js',
    ]
    const found = places.map((place) => join(prefix, place)).find(existsSync)
    if (!found) throw new Error(`no npm stands beside ${process.execPath}`)
    return found
}
