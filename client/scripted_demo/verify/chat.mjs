/** Checks that a participant got every message once, in order, as it was sent. */

import { instantMicros } from '../clock.mjs'
import { entriesSeen, isInDigest } from '../record.mjs'
import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/** @param {Run} run @param {ParticipantRecord} participant @returns {Finding[]} */
export function checkChat(run, participant) {
    const entries = entriesSeen(participant).map(({ message }) => message)
    return [
        ...checkArrival(participant.name, entries),
        ...checkClock(participant.name, entries),
        ...checkContent(run, participant.name, entries),
        ...checkComplete(run, participant, entries),
    ]
}

/** @param {string} name @param {any[]} entries @returns {Finding[]} */
function checkArrival(name, entries) {
    /** @type {Finding[]} */
    const findings = []
    const seen = new Set()
    let highest = -Infinity
    for (const entry of entries) {
        if (seen.has(entry.seq) || seen.has(entry.id)) {
            findings.push(finding('message_doubled', name, describe(entry)))
        } else if (entry.seq < highest) {
            findings.push(finding('message_out_of_order', name, `${describe(entry)} arrived after seq ${highest}`))
        }
        seen.add(entry.seq).add(entry.id)
        highest = Math.max(highest, entry.seq)
    }
    return findings
}

/** @param {string} name @param {any[]} entries @returns {Finding[]} */
function checkClock(name, entries) {
    const bySeq = [...new Map(entries.map((entry) => [entry.seq, entry])).values()].sort((a, b) => a.seq - b.seq)
    return bySeq.slice(1).flatMap((entry, index) => {
        const before = bySeq[index]
        if (instantMicros(entry.created_at) > instantMicros(before.created_at)) return []
        const what = `${describe(entry)} is of ${entry.created_at}, ${describe(before)} of ${before.created_at}`
        return [finding('clock_disorder', name, what)]
    })
}

/** @param {Run} run @param {string} name @param {any[]} entries @returns {Finding[]} */
function checkContent(run, name, entries) {
    const sends = new Map(run.sends.map((send) => [send.id, send]))
    const userIds = new Map(run.participants.map((participant) => [participant.name, participant.user_id]))
    return entries
        .filter(({ message_type }) => message_type !== 'system_message')
        .flatMap((entry) => {
            const send = sends.get(entry.id)
            if (!send) return [finding('message_unknown', name, describe(entry))]
            /** @type {Finding[]} */
            const findings = []
            if (entry.content !== send.content || entry.user_id !== userIds.get(send.sender)) {
                const what =
                    `${describe(entry)} is ${JSON.stringify(entry.content)} by ${entry.user_id}, ` +
                    `${send.sender} sent ${JSON.stringify(send.content)}`
                findings.push(finding('message_altered', name, what))
            }
            const [answer] = send.answers
            if (answer && answer.seq !== entry.seq) {
                const what = `${describe(entry)}, but its sender was told seq ${answer.seq}`
                findings.push(finding('answer_contradicts_log', name, what))
            }
            return findings
        })
}

/** @param {Run} run @param {ParticipantRecord} participant @param {any[]} entries @returns {Finding[]} */
function checkComplete(run, participant, entries) {
    const seen = new Set(entries.map(({ id }) => id))
    return run.sends
        .filter(({ id, answers }) => answers.length > 0 && !seen.has(id) && !isInDigest(participant, answers[0].seq))
        .map(({ id, sender, answers }) =>
            finding('message_missing', participant.name, `message ${id} (seq ${answers[0].seq}) by ${sender}`)
        )
}

/** @param {any} entry */
function describe(entry) {
    return `message ${entry.id} (seq ${entry.seq})`
}
