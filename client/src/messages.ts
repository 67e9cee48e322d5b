/** The entry point of sentences for users, in English, by code and parameters. */

import { SENTENCES } from './contract/sentences.ts'
import type { ClientErrorCode, StreamError, StreamErrorCode } from './error/stream_error.ts'

const CLIENT_SENTENCES: Readonly<Record<ClientErrorCode, string>> = {
    aborted: 'Cancelled.',
    channel_refused: 'You may not follow this stream.',
    circuit_open: 'The service does not answer at the moment.',
    client_too_old: 'This version of the app is too old. Please update it.',
    devices_denied: 'Camera or microphone may not be used. Please allow both.',
    disposed: 'The stream was closed.',
    invalid_answer: 'The service gave an answer that makes no sense.',
    outbox_full: 'Too many messages wait to be sent.',
    realtime_disabled: 'Live updates are switched off for this service.',
    realtime_unavailable: 'Live updates do not get through at the moment.',
    reconnect_exhausted: 'The connection could not be restored.',
    send_expired: 'The message waited too long to be sent.',
    signed_out: 'You signed out.',
    superseded: 'You are watching this stream on another device.',
    timed_out: 'The service took too long to answer.',
    unreachable: 'The service cannot be reached. Are you online?',
    video_unavailable: 'The video does not get through.',
}

/** Parameters that a sentence may name in braces. */
export interface SentenceParameters {
    /** Until the same call can succeed. */
    retryAfterMs?: number | null
}

/** The sentences, for a translation table to be checked against. */
export const ENGLISH: Readonly<Record<StreamErrorCode, string>> = { ...SENTENCES, ...CLIENT_SENTENCES }

/** A sentence for a user. A table of another language may leave codes out, which are then in English. */
export function sentenceOf(
    error: Pick<StreamError, 'code'> & SentenceParameters,
    table: Partial<Readonly<Record<StreamErrorCode, string>>> = ENGLISH,
    again: (seconds: number) => string = (seconds) => `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
): string {
    const sentence = table[error.code] ?? ENGLISH[error.code]
    if (!error.retryAfterMs) return sentence
    return `${sentence} ${again(Math.ceil(error.retryAfterMs / 1000))}`
}
