/** Frames that announce what is not so, and channels that break. */

import { framesOf, participantOf, userFrameOf } from '../recorded_run.mjs'

/**
 * @typedef {import('./damage.mjs').Damage} Damage
 * @typedef {import('./damage.mjs').GoodRun} GoodRun
 */

/** @type {Damage[]} */
export const FRAMES_DAMAGES = [
    {
        name: 'a frame that announces more than it holds',
        damage: (run) => {
            const { payload } = lastFrame(run)
            payload.to_seq += 1
            payload.head_seq += 1
        },
        kinds: ['frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'a digest that holds entries',
        damage: (run) => {
            userFrameOf(run, 'ben').payload.digest = true
        },
        kinds: ['frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'a digest of nothing',
        damage: (run) => {
            const { payload } = lastFrame(run)
            const from_seq = payload.to_seq + 1
            participantOf(run, 'ben').seen.push({
                ...lastFrame(run),
                payload: { ...payload, messages: [], digest: true, from_seq },
            })
        },
        kinds: ['frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'a head below the frame',
        damage: (run) => {
            lastFrame(run).payload.head_seq = 1
        },
        kinds: ['frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'a new epoch',
        damage: (run) => {
            lastFrame(run).payload.epoch = 'another'
        },
        kinds: ['epoch_changed'],
        who: 'ben',
    },
    {
        name: 'a frame of another session',
        damage: (run) => {
            lastFrame(run).payload.session_id = '00000000-0000-4000-8000-0000000000ff'
        },
        kinds: ['session_foreign'],
        who: 'ben',
    },
    {
        name: 'a closed channel',
        damage: (run) => participantOf(run, 'ben').interruptions.push('chat: CLOSED'),
        kinds: ['channel_interrupted'],
        who: 'ben',
    },
]

/** @param {GoodRun} run */
function lastFrame(run) {
    return framesOf(run, 'ben').slice(-1)[0]
}
