/** Checks that a participant saw the viewer count reach everybody, and never an impossible one. */

import { countsSeen } from '../record.mjs'
import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {import('../record.mjs').Sighting} Sighting
 * @typedef {import('../record.mjs').StreamSession} StreamSession
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/**
 * Counts are sent about once a second when they have changed, so one may stand for several joins: how many there are
 * says nothing, but the one with everybody must come.
 * @param {Run} run @param {StreamSession} session @param {ParticipantRecord} participant
 * @returns {Finding[]}
 */
export function checkViewers(run, session, participant) {
    const sightings = countsSeen(participant)
    const counts = sightings.map(({ payload }) => payload?.viewer_count)
    return [
        ...checkReached(participant.name, counts, run.expected.viewer_count),
        ...sightings.flatMap((sighting, index) => [
            ...checkSession(session, participant.name, sighting.payload ?? {}),
            ...checkPossible(run, participant.name, sighting, index === 0 ? 0 : counts[index - 1]),
        ]),
    ]
}

/** @param {string} name @param {unknown[]} counts @param {number} expected @returns {Finding[]} */
function checkReached(name, counts, expected) {
    if (counts.includes(expected)) return []
    const seen = counts.join(', ') || 'no count (does anybody call stream.tick()? see stream.doctor())'
    return [finding('viewer_count_low', name, `saw ${seen}; expected to reach ${expected}`)]
}

/** @param {StreamSession} session @param {string} name @param {any} payload @returns {Finding[]} */
function checkSession(session, name, { session_id, viewer_count }) {
    if (session_id === session.id) return []
    return [finding('session_foreign', name, `count ${viewer_count} is of session ${session_id}`)]
}

/**
 * Nobody counts before joining, and nobody leaves before the end.
 * @param {Run} run @param {string} name @param {Sighting} sighting @param {number} before the count that it follows
 * @returns {Finding[]}
 */
function checkPossible(run, name, { payload, received_at_ms }, before) {
    const { viewer_count, peak } = payload ?? {}
    const joined = run.joins.filter(({ called_at_ms }) => called_at_ms <= received_at_ms).length
    const end = run.moves.find(({ what }) => what === 'ended')
    const hasEnded = end !== undefined && end.called_at_ms <= received_at_ms
    const least = hasEnded ? 0 : before
    if (Number.isInteger(viewer_count) && viewer_count >= least && viewer_count <= peak && peak <= joined) return []
    const what = `count ${viewer_count}, peak ${peak}; ${joined} had joined, ${least} or more were still there`
    return [finding('viewer_count_impossible', name, what)]
}
