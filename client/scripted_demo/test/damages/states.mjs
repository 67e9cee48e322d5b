/** The stream's transitions, announced wrongly. */

import { participantOf, replace, sightingsOf } from '../recorded_run.mjs'

/** @typedef {import('./damage.mjs').Damage} Damage */

/** @type {Damage[]} */
export const STATES_DAMAGES = [
    {
        name: 'a state event removed',
        damage: (run) => replace(participantOf(run, 'ben'), sightingsOf(run, 'ben', 'stream')[1]),
        kinds: ['state_missing', 'state_contradicts_log'],
        who: 'ben',
    },
    {
        name: 'a state event doubled',
        damage: (run) => {
            const [state] = sightingsOf(run, 'ben', 'stream')
            replace(participantOf(run, 'ben'), state, state, state)
        },
        kinds: ['state_unexpected', 'state_contradicts_log'],
        who: 'ben',
    },
    {
        name: 'two state events swapped',
        damage: (run) => {
            const [first, second] = sightingsOf(run, 'ben', 'stream')
            ;[first.payload, second.payload] = [second.payload, first.payload]
        },
        kinds: ['state_out_of_order', 'state_contradicts_log'],
        who: 'ben',
    },
    {
        name: 'a state event of another generation',
        damage: (run) => {
            sightingsOf(run, 'ben', 'stream')[1].payload.generation += 1
        },
        kinds: ['state_contradicts_session'],
        who: 'ben',
    },
    {
        name: 'a state event that names another host',
        damage: (run) => {
            sightingsOf(run, 'ben', 'stream')[1].payload.host_uid += 1
        },
        kinds: ['state_contradicts_session'],
        who: 'ben',
    },
    {
        name: 'a state event with another seq than its log entry',
        damage: (run) => {
            sightingsOf(run, 'ben', 'stream')[1].payload.seq += 1
        },
        kinds: ['state_contradicts_log'],
        who: 'ben',
    },
]
