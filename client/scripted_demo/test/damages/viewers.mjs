/** Wrong viewer counts. */

import { addCount, participantOf, sightingsOf } from '../recorded_run.mjs'

/** @typedef {import('./damage.mjs').Damage} Damage */

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
        name: 'no viewer count at all',
        damage: (run) => {
            const ben = participantOf(run, 'ben')
            ben.seen = ben.seen.filter(({ topic }) => topic !== 'viewers')
        },
        kinds: ['viewer_count_low'],
        who: 'ben',
    },
    {
        name: 'more viewers than there are',
        damage: (run) => addCount(run, 'ben', run.moves[0].called_at_ms, { viewer_count: 4, peak: 4 }),
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a peak above the viewers there are',
        damage: (run) => addCount(run, 'ben', run.moves[0].called_at_ms, { viewer_count: 3, peak: 4 }),
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a count above its peak',
        damage: (run) => addCount(run, 'ben', run.moves[0].called_at_ms, { viewer_count: 3, peak: 2 }),
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a viewer who counts before joining',
        damage: (run) => addCount(run, 'ben', run.joins[1].called_at_ms - 0.001, { viewer_count: 2, peak: 2 }),
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a count that falls while everybody watches',
        damage: (run) => addCount(run, 'ben', run.moves[0].called_at_ms, { viewer_count: 2, peak: 3 }),
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a negative viewer count',
        damage: (run) => addCount(run, 'ben', Infinity, { viewer_count: -1, peak: 3 }),
        kinds: ['viewer_count_impossible'],
        who: 'ben',
    },
    {
        name: 'a count of another session',
        damage: (run) => {
            sightingsOf(run, 'ben', 'viewers')[0].payload.session_id = '00000000-0000-4000-8000-0000000000ff'
        },
        kinds: ['session_foreign'],
        who: 'ben',
    },
]
