/** Messages lost, repeated, reordered or changed. */

import { coalesceFrames, framesOf, isFromUser, participantOf, replace, userFrameOf } from '../recorded_run.mjs'

/**
 * @typedef {import('./damage.mjs').Damage} Damage
 * @typedef {import('./damage.mjs').GoodRun} GoodRun
 */

/** @type {Damage[]} */
export const CHAT_DAMAGES = [
    {
        name: 'a message dropped out of a frame',
        damage: (run) => {
            const { payload } = userFrameOf(run, 'ben')
            payload.messages.splice(payload.messages.findIndex(isFromUser), 1)
        },
        kinds: ['message_missing', 'frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'a whole frame dropped',
        damage: (run) => replace(participantOf(run, 'ben'), userFrameOf(run, 'ben')),
        kinds: ['message_missing', 'frame_hole'],
        who: 'ben',
    },
    {
        name: 'a message doubled within a frame',
        damage: (run) => {
            const { payload } = userFrameOf(run, 'ben')
            payload.messages.push(payload.messages.find(isFromUser))
        },
        kinds: ['message_doubled', 'frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'a frame delivered twice',
        damage: (run) => {
            const frame = userFrameOf(run, 'ben')
            replace(participantOf(run, 'ben'), frame, frame, frame)
        },
        kinds: ['message_doubled', 'frame_hole'],
        who: 'ben',
    },
    {
        name: 'a message stored again under another seq',
        damage: (run) => {
            const { payload } = framesOf(run, 'ben').slice(-1)[0]
            const doubled = framesOf(run, 'ben').flatMap((frame) => frame.payload.messages).find(isFromUser)
            payload.messages.push({ ...doubled, seq: payload.to_seq + 1, created_at: '2999-01-01T00:00:00Z' })
            payload.to_seq += 1
            payload.head_seq += 1
        },
        kinds: ['message_doubled', 'answer_contradicts_log'],
        who: 'ben',
    },
    {
        name: 'two messages of a frame swapped',
        damage: (run) => {
            const { messages } = coalesceFrames(run, 'ben').payload
            ;[messages[3], messages[4]] = [messages[4], messages[3]]
        },
        kinds: ['message_out_of_order', 'frame_inconsistent'],
        who: 'ben',
    },
    {
        name: 'two frames swapped',
        damage: (run) => swapFrames(run, 'ben'),
        kinds: ['message_out_of_order', 'frame_hole'],
        who: 'ben',
    },
    {
        name: 'another content than sent',
        damage: (run) => {
            userFrameOf(run, 'ben').payload.messages.find(isFromUser).content += '!'
        },
        kinds: ['message_altered'],
        who: 'ben',
    },
    {
        name: 'another sender than the one who sent',
        damage: (run) => {
            userFrameOf(run, 'ben').payload.messages.find(isFromUser).user_id = '00000000-0000-4000-8000-0000000000ff'
        },
        kinds: ['message_altered'],
        who: 'ben',
    },
    {
        name: 'a message that nobody sent',
        damage: (run) => {
            userFrameOf(run, 'ben').payload.messages.find(isFromUser).id = '00000000-0000-4000-8000-0000000000ff'
        },
        kinds: ['message_unknown', 'message_missing'],
        who: 'ben',
    },
    {
        name: 'a time that does not rise with seq',
        damage: (run) => {
            const [, second] = framesOf(run, 'ben').flatMap(({ payload }) => payload.messages)
            second.created_at = '2000-01-01T00:00:00.000001+00:00'
        },
        kinds: ['clock_disorder'],
        who: 'ben',
    },
    {
        name: 'two messages of the same microsecond',
        damage: (run) => {
            const [first, second] = framesOf(run, 'ben').flatMap(({ payload }) => payload.messages)
            second.created_at = first.created_at
        },
        kinds: ['clock_disorder'],
        who: 'ben',
    },
]

/** Two neighbouring frames trade places. @param {GoodRun} run @param {string} name */
function swapFrames(run, name) {
    const { seen } = participantOf(run, name)
    const [first, second] = framesOf(run, name).slice(2, 4)
    const [i, j] = [seen.indexOf(first), seen.indexOf(second)]
    seen[i] = second
    seen[j] = first
}
