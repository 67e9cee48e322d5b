/** The good play that the tests start from, recorded with `node demo.mjs --json`: a fresh copy for each test. */

import { readFileSync } from 'node:fs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {Run & {session: import('../record.mjs').StreamSession}} GoodRun
 * @typedef {import('../record.mjs').Sighting} Sighting
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 */

const RECORDED = readFileSync(new URL('recorded_run.json', import.meta.url), 'utf8')

/** @returns {GoodRun} */
export function recordedRun() {
    return JSON.parse(RECORDED)
}

/** @param {Run} run @param {string} name */
export function participantOf(run, name) {
    const participant = run.participants.find((each) => each.name === name)
    if (!participant) throw new Error(`no ${name} in the recorded run`)
    return participant
}

/**
 * What one participant saw on one topic; the payloads may be changed in place.
 * @param {Run} run
 * @param {string} name
 * @param {import('../record.mjs').Topic} topic
 */
export function sightingsOf(run, name, topic) {
    return participantOf(run, name).seen.filter((sighting) => sighting.topic === topic)
}

/** @param {Run} run @param {string} name */
export function framesOf(run, name) {
    return sightingsOf(run, name, 'chat')
}

/** The first frame of one participant that carries a user message. @param {Run} run @param {string} name */
export function userFrameOf(run, name) {
    const frame = framesOf(run, name).find(({ payload }) => payload.messages.some(isFromUser))
    if (!frame) throw new Error(`no user message for ${name} in the recorded run`)
    return frame
}

/** @param {any} message */
export function isFromUser({ message_type }) {
    return message_type === 'user_message'
}

/**
 * Joins all frames of one participant into one, as a busy relay does.
 * @param {Run} run
 * @param {string} name
 * @returns {Sighting} the one frame
 */
export function coalesceFrames(run, name) {
    const [first, ...rest] = framesOf(run, name)
    for (const frame of rest) {
        first.payload.messages.push(...frame.payload.messages)
        first.payload.to_seq = frame.payload.to_seq
        first.payload.head_seq = frame.payload.head_seq
        replace(participantOf(run, name), frame)
    }
    return first
}

/**
 * Makes one frame of all frames of one participant, of entries that are too many or too large for it.
 * @param {Run} run
 * @param {string} name
 * @returns {Sighting} the one frame
 */
export function digestOf(run, name) {
    const frame = coalesceFrames(run, name)
    frame.payload.messages = []
    frame.payload.digest = true
    return frame
}

/**
 * One more count for a participant, received at this time, in its place among the others.
 * @param {GoodRun} run
 * @param {string} name
 * @param {number} receivedAtMs
 * @param {{viewer_count: number, peak: number}} count
 */
export function addCount(run, name, receivedAtMs, count) {
    const { seen } = participantOf(run, name)
    const later = seen.findIndex(({ received_at_ms }) => received_at_ms > receivedAtMs)
    const payload = { session_id: run.session.id, server_time: '2026-01-01T00:00:00+00:00', ...count }
    seen.splice(later < 0 ? seen.length : later, 0, {
        topic: 'viewers',
        event: 'viewer_count',
        received_at_ms: receivedAtMs,
        payload,
    })
}

/**
 * Takes one sighting out of the record, or puts others in its place.
 * @param {ParticipantRecord} participant
 * @param {Sighting} sighting
 * @param {Sighting[]} replacements
 */
export function replace({ seen }, sighting, ...replacements) {
    seen.splice(seen.indexOf(sighting), 1, ...replacements)
}
