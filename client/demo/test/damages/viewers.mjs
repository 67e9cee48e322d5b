/** How can a viewer count be wrong? */

import { sightingsOf } from '../recorded_run.mjs'

/** @typedef {import('../damages.mjs').Damage} Damage */

/** @type {Damage[]} */
export const VIEWERS_DAMAGES = [
    {
        name: 'a lowered viewer count',
        damage: (run) => {
            for (const { payload } of sightingsOf(run, 'ben', 'viewers')) {
                payload.viewer_count = Math.min(payload.viewer_count, 2)
            }
        },
        kinds: ['viewer_count_low'],
        who: 'ben',
    },
    {
        name: 'more viewers than there are',
        damage: (run) => {
            Object.assign(sightingsOf(run, 'ben', 'viewers')[0].payload, { viewer_count: 4, peak: 4 })
        },
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a negative viewer count',
        damage: (run) => {
            sightingsOf(run, 'ben', 'viewers')[0].payload.viewer_count = -1
        },
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
]
