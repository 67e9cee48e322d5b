/** Did this participant see the viewer count reach everybody, and never an impossible one? */

import { countsSeen } from '../record.mjs'
import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {import('../record.mjs').StreamSession} StreamSession
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/** @param {Run} run @param {StreamSession} session @param {ParticipantRecord} participant @returns {Finding[]} */
export function checkViewers(run, session, participant) {
    const expected = run.expected.viewer_count
    const payloads = countsSeen(participant).map(({ payload }) => payload ?? {})
    const counts = payloads.map(({ viewer_count }) => viewer_count)
    const story = `saw ${counts.join(', ') || 'no count'}; expected to reach ${expected}`
    /** @type {Finding[]} */
    const findings = []
    if (!counts.includes(expected)) findings.push(finding('viewer_count_low', participant.name, story))
    for (const { session_id, viewer_count, peak } of payloads) {
        if (session_id !== session.id) {
            findings.push(finding('session_foreign', participant.name, `count ${viewer_count} is of session ${session_id}`))
        }
        if (!(Number.isInteger(viewer_count) && viewer_count >= 0 && viewer_count <= Math.min(peak, expected))) {
            const what = `count ${viewer_count}, peak ${peak}, ${expected} viewers in the play`
            findings.push(finding('viewer_count_impossible', participant.name, what))
        }
    }
    return findings
}
