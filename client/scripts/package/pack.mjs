/** Packing of the package into a directory, as npm publish would. */

import { node } from './run.mjs'
import { npmScript } from './npm.mjs'

/** @param {string} directory @returns {void} */
export function packTo(directory) {
    const { status, stderr } = node(npmScript(), 'pack', '--ignore-scripts', '--pack-destination', directory)
    if (status !== 0) throw new Error(`npm pack failed: ${stderr}`)
}
