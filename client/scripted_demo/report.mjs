/** The report of a play: turns a record into text and prints nothing by itself. */

import { instantMs } from './clock.mjs'
import { messagesOf } from './record.mjs'

/**
 * @typedef {import('./record.mjs').Run} Run
 * @typedef {import('./record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./record.mjs').Sighting} Sighting
 * @typedef {import('./verify/finding.mjs').Finding} Finding
 */

/**
 * @typedef {object} Row one line of a transcript; a latency is null when it cannot be known
 * @property {number} at_ms since the play began
 * @property {string} topic
 * @property {string} seq
 * @property {number | null} commit_ms database time of the event -> callback
 * @property {number | null} call_ms call that caused it -> callback
 * @property {string} text
 */

/**
 * What one participant saw, in order; a chat frame gives one row per message.
 * @param {Run} run @param {ParticipantRecord} participant
 * @returns {Row[]}
 */
export function rowsOf(run, participant) {
    let moves = 0
    return participant.seen.flatMap((sighting) => {
        const { topic, payload } = sighting
        if (topic === 'chat') return messagesOf(payload).map((message) => chatRow(run, sighting, message))
        if (topic === 'viewers') {
            // A count sums up what happened since the one before: no single call is its cause.
            const text = `${payload?.viewer_count} watching, peak ${payload?.peak}`
            return [row(run, sighting, '', payload?.server_time, undefined, text)]
        }
        const move = run.moves[moves]
        if (move?.what === payload?.state) moves += 1
        const text = `${payload?.previous_state} -> ${payload?.state}`
        const calledAtMs = move?.what === payload?.state ? move.called_at_ms : undefined
        return [row(run, sighting, String(payload?.seq), payload?.server_time, calledAtMs, text)]
    })
}

/** @param {Run} run @param {Sighting} sighting @param {any} message @returns {Row} */
function chatRow(run, sighting, message) {
    const send = run.sends.find(({ id }) => id === message.id)
    const move = message.metadata?.kind === 'state_changed' ? `(log) ${message.metadata.state}` : null
    const text = move ?? `${message.username}: ${message.content}`
    return row(run, sighting, String(message.seq), message.created_at, send?.answers[0]?.called_at_ms, text)
}

/**
 * @param {Run} run @param {Sighting} sighting @param {string} seq @param {unknown} servedAt
 * @param {number | undefined} calledAtMs @param {string} text
 * @returns {Row}
 */
function row(run, { topic, received_at_ms }, seq, servedAt, calledAtMs, text) {
    const servedAtMs = instantMs(servedAt)
    return {
        at_ms: received_at_ms - run.began_at_ms,
        topic,
        seq,
        commit_ms: run.same_clock && Number.isFinite(servedAtMs) ? received_at_ms - servedAtMs : null,
        call_ms: calledAtMs === undefined ? null : received_at_ms - calledAtMs,
        text,
    }
}

/** One block per participant. @param {Run} run @returns {string} */
export function transcript(run) {
    return run.participants
        .map((participant) => {
            const { name, role, token, interruptions } = participant
            const privileges = Object.keys(token?.decoded?.privileges ?? {}).join(' ')
            const lines = rowsOf(run, participant).map(
                ({ at_ms, topic, seq, commit_ms, call_ms, text }) =>
                    `  ${`+${(at_ms / 1000).toFixed(3)} s`.padStart(10)}  ${topic.padEnd(7)} ${seq.padStart(4)}` +
                    `  ${milliseconds(commit_ms)}  ${milliseconds(call_ms)}  ${oneLine(text)}`
            )
            return [
                `${name} (${role}, uid ${token?.decoded?.uid}, token privileges ${privileges || 'none'})`,
                `  ${'at'.padStart(10)}  topic    seq  ${'commit->'.padStart(10)}  ${'call->'.padStart(10)}  seen`,
                ...lines,
                ...interruptions.map((what) => `  interrupted: ${what}`),
            ].join('\n')
        })
        .join('\n\n')
}

/** @param {Run} run @param {Finding[]} findings @returns {string} the findings, one a line, and the summary line last */
export function verdict(run, findings) {
    const rows = run.participants.flatMap((participant) => rowsOf(run, participant))
    const totals = summarize(rows)
    const doors = new Set(run.sends.flatMap(({ answers }) => answers.map(({ door }) => door)))
    return [
        ...findings.map(({ kind, who, what }) => `FAILED ${kind}: ${who}: ${what}`),
        `${findings.length === 0 ? 'PASSED' : `FAILED (${findings.length} findings)`}: ` +
            `${run.participants.length} participants, ${run.sends.length} messages (${[...doors].join(' + ') || 'none'}), ` +
            `${totals.callbacks} things seen; commit -> callback ${spread(totals.commit_ms)}; ` +
            `call -> callback ${spread(totals.call_ms)}`,
    ].join('\n')
}

/**
 * @typedef {{p50: number, p99: number, max: number} | null} Spread
 * @param {Row[]} rows
 * @returns {{callbacks: number, commit_ms: Spread, call_ms: Spread}}
 */
export function summarize(rows) {
    return {
        callbacks: rows.length,
        commit_ms: percentiles(rows.map(({ commit_ms }) => commit_ms)),
        call_ms: percentiles(rows.map(({ call_ms }) => call_ms)),
    }
}

/** @param {(number | null)[]} values @returns {Spread} nearest rank; null without values */
function percentiles(values) {
    const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
    if (sorted.length === 0) return null
    const rank = (/** @type {number} */ share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
    return { p50: rank(0.5), p99: rank(0.99), max: sorted[sorted.length - 1] }
}

/** @param {Spread} values */
function spread(values) {
    if (values === null) return 'unknown'
    return `p50 ${values.p50.toFixed(1)}, p99 ${values.p99.toFixed(1)}, max ${values.max.toFixed(1)} ms`
}

/** @param {number | null} value */
function milliseconds(value) {
    return (value === null ? '-' : `${value.toFixed(1)} ms`).padStart(10)
}

/** Chat is other people's text: no line break and no control sequence of it reaches the terminal. @param {string} text */
function oneLine(text) {
    return text.replace(/\n/g, '⏎').replace(/\p{Cc}/gu, '?')
}
