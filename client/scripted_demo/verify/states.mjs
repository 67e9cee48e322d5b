/** Checks that a participant got every transition of the stream once, in order, by the event and by the log. */

import { isInDigest, movesLogged, movesSeen } from '../record.mjs'
import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {import('../record.mjs').StreamSession} StreamSession
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/** @param {Run} run @param {StreamSession} session @param {ParticipantRecord} participant @returns {Finding[]} */
export function checkStates(run, session, participant) {
    const events = movesSeen(participant).map(({ payload }) => payload ?? {})
    const sequence = checkSequence(participant.name, events.map(({ state }) => state), run.expected.states)
    return [
        ...sequence,
        ...checkLog(participant, events),
        // One missing event already explains why its neighbours do not fit.
        ...(sequence.length === 0 ? checkDetails(session, participant.name, events) : []),
    ]
}

/** @param {string} name @param {string[]} seen @param {string[]} expected @returns {Finding[]} */
function checkSequence(name, seen, expected) {
    const missing = without(expected, seen)
    const unexpected = without(seen, expected)
    const story = `saw ${seen.join(', ') || 'nothing'}; expected ${expected.join(', ')}`
    /** @type {Finding[]} */
    const findings = []
    if (missing.length > 0) findings.push(finding('state_missing', name, `${missing.join(', ')}: ${story}`))
    if (unexpected.length > 0) findings.push(finding('state_unexpected', name, `${unexpected.join(', ')}: ${story}`))
    if (findings.length === 0 && seen.some((state, index) => state !== expected[index])) {
        findings.push(finding('state_out_of_order', name, story))
    }
    return findings
}

/** @param {StreamSession} session @param {string} name @param {any[]} events @returns {Finding[]} */
function checkDetails(session, name, events) {
    return events.flatMap((event, index) => {
        const before = index === 0 ? 'initializing' : events[index - 1].state
        /** @type {[string, unknown, unknown][]} */
        const facts = [
            ['session_id', event.session_id, session.id],
            ['previous_state', event.previous_state, before],
            ['generation', event.generation, session.generation],
            ['host_uid', event.host_uid, session.host_uid],
        ]
        return facts
            .filter(([, is, expected]) => is !== expected)
            .map(([fact, is, expected]) => {
                const kind = fact === 'session_id' ? 'session_foreign' : 'state_contradicts_session'
                return finding(kind, name, `event ${event.state} (seq ${event.seq}): ${fact} is ${is}, expected ${expected}`)
            })
    })
}

/**
 * Event and log entry of one move carry the same seq, state and previous state; the entries of a digest are not seen.
 * @param {ParticipantRecord} participant @param {any[]} events
 * @returns {Finding[]}
 */
function checkLog(participant, events) {
    const told = events
        .filter(({ seq }) => !isInDigest(participant, seq))
        .map(({ seq, previous_state, state }) => `${seq} ${previous_state} -> ${state}`)
    const logged = movesLogged(participant).map(
        ({ seq, metadata }) => `${seq} ${metadata.previous_state} -> ${metadata.state}`
    )
    if (told.join() === logged.join()) return []
    const what = `events: ${told.join(', ') || 'none'}; log: ${logged.join(', ') || 'none'}`
    return [finding('state_contradicts_log', participant.name, what)]
}

/** What `all` has beyond `taken`, counting repeats. @param {string[]} all @param {string[]} taken */
function without(all, taken) {
    const left = [...taken]
    return all.filter((state) => {
        const index = left.indexOf(state)
        if (index >= 0) left.splice(index, 1)
        return index < 0
    })
}
