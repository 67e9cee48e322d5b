/** The verdict on a play: pure checks over its record; an empty list means that it was delivered as promised. */

import { checkCalls } from './verify/calls.mjs'
import { checkChat } from './verify/chat.mjs'
import { checkFrames } from './verify/frames.mjs'
import { checkStates } from './verify/states.mjs'
import { checkTokens } from './verify/tokens.mjs'
import { checkViewers } from './verify/viewers.mjs'
import { finding } from './verify/finding.mjs'

/**
 * @typedef {import('./verify/finding.mjs').Finding} Finding
 * @typedef {import('./record.mjs').Run} Run
 */

/** @param {Run} run @returns {Finding[]} */
export function verify(run) {
    const { session } = run
    if (session === null) return [finding('play_incomplete', 'play', 'no stream was started')]
    return [
        ...checkTokens(run, session),
        ...checkCalls(run),
        ...run.participants.flatMap((participant) => [
            ...participant.interruptions.map((what) => finding('channel_interrupted', participant.name, what)),
            ...checkStates(run, session, participant),
            ...checkFrames(session, participant),
            ...checkChat(run, participant),
            ...checkViewers(run, session, participant),
        ]),
    ]
}
