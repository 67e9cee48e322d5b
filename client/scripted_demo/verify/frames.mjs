/** Checks that the chat frames of a participant join without a hole, and that each holds what it announces; a digest holds nothing. */

import { framesSeen, messagesOf } from '../record.mjs'
import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').StreamSession} StreamSession
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/** @param {StreamSession} session @param {ParticipantRecord} participant @returns {Finding[]} */
export function checkFrames(session, participant) {
    const frames = framesSeen(participant).map(({ payload }) => payload ?? {})
    return frames.flatMap((frame, index) => checkFrame(session, participant.name, frame, frames[index - 1]))
}

/** @param {StreamSession} session @param {string} name @param {any} frame @param {any} before @returns {Finding[]} */
function checkFrame(session, name, frame, before) {
    /** @type {Finding[]} */
    const findings = []
    const range = `frame ${frame.from_seq}..${frame.to_seq}`
    if (frame.session_id !== session.id) {
        findings.push(finding('session_foreign', name, `${range} is of session ${frame.session_id}`))
    }
    if (before && frame.from_seq !== before.to_seq + 1) {
        findings.push(finding('frame_hole', name, `${range} follows frame ${before.from_seq}..${before.to_seq}`))
    }
    if (before && frame.epoch !== before.epoch) {
        findings.push(finding('epoch_changed', name, `${range} has epoch ${frame.epoch}, the one before ${before.epoch}`))
    }
    const seqs = messagesOf(frame).map(({ seq }) => seq)
    const announced = frame.to_seq - frame.from_seq + 1
    const isWhole =
        seqs.length === (frame.digest === true ? 0 : announced) &&
        seqs.every((seq, offset) => seq === frame.from_seq + offset)
    if (frame.v !== 1 || !isWhole || !(announced > 0) || !(frame.head_seq >= frame.to_seq)) {
        const what = `${range} (v ${frame.v}, head ${frame.head_seq}) holds the seqs ${seqs.join(', ') || 'none'}`
        findings.push(finding('frame_inconsistent', name, what))
    }
    return findings
}
