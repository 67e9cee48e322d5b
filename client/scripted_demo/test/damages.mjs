/** All damages that the tests do to a good run. */

import { CALLS_DAMAGES } from './damages/calls.mjs'
import { CHAT_DAMAGES } from './damages/chat.mjs'
import { FRAMES_DAMAGES } from './damages/frames.mjs'
import { STATES_DAMAGES } from './damages/states.mjs'
import { TOKENS_DAMAGES } from './damages/tokens.mjs'
import { VIEWERS_DAMAGES } from './damages/viewers.mjs'

/** @typedef {import('./damages/damage.mjs').Damage} Damage */

/** @type {Damage[]} */
const PLAY_DAMAGES = [
    {
        name: 'a play that never began',
        damage: (run) => {
            Object.assign(run, { session: null })
        },
        kinds: ['play_incomplete'],
        who: 'play',
    },
]

export const DAMAGES = [
    ...PLAY_DAMAGES,
    ...CALLS_DAMAGES,
    ...CHAT_DAMAGES,
    ...FRAMES_DAMAGES,
    ...STATES_DAMAGES,
    ...VIEWERS_DAMAGES,
    ...TOKENS_DAMAGES,
]
