/** The drawings of the lots, by the names that the auctions have. */

import camera from './camera.svg'
import chair from './chair.svg'
import vase from './vase.svg'
import watch from './watch.svg'

const DRAWINGS: Readonly<Record<string, string>> = { camera, chair, vase, watch }

/** The address of a drawing; one that is not known shows the vase. */
export function drawingOf(picture: string): string {
    return DRAWINGS[picture] ?? vase
}
