/** Packing of the package into a directory, as npm publish would. */

import { npmScript } from './npm.mjs'
import { node } from './run.mjs'

/** @param {string} directory @returns {void} */
export function packTo(directory) {
    const { status, stderr } = node(npmScript(), 'pack', '--ignore-scripts', '--pack-destination', directory)
    if (status !== 0) throw new Error(`npm pack failed: ${stderr}`)
}
