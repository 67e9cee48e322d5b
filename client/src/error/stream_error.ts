/** The one error that the client throws and emits: a code, its category, and whether it passes. */

import {
    ERROR_RECOVERY_STRATEGIES,
    ERRORS,
    type ErrorCategory,
    type ErrorCode,
    type ErrorEntry,
} from '../contract/errors.ts'

/** What the client itself finds wrong. */
export type ClientErrorCode =
    | 'aborted'
    | 'channel_refused'
    | 'circuit_open'
    | 'client_too_old'
    | 'disposed'
    | 'invalid_answer'
    | 'outbox_full'
    | 'realtime_disabled'
    | 'realtime_unavailable'
    | 'reconnect_exhausted'
    | 'send_expired'
    | 'signed_out'
    | 'superseded'
    | 'timed_out'
    | 'unreachable'

/** Categories of the codes that the client makes itself, beside those of the server's catalogue. */
export const CLIENT_ERRORS: Readonly<Record<ClientErrorCode, ErrorEntry>> = {
    aborted: ['system_error', false],
    channel_refused: ['permission_error', false],
    circuit_open: ['network_error', true],
    client_too_old: ['system_error', false, 'update_app'],
    disposed: ['system_error', false],
    invalid_answer: ['system_error', true],
    outbox_full: ['chat_error', true],
    realtime_disabled: ['system_error', false, 'contact_operator'],
    realtime_unavailable: ['network_error', true],
    reconnect_exhausted: ['network_error', true],
    send_expired: ['chat_error', false],
    signed_out: ['authentication_error', false],
    superseded: ['stream_error', false],
    timed_out: ['network_error', true],
    unreachable: ['network_error', true],
}

/** Every code that a `StreamError` can have. */
export type StreamErrorCode = ErrorCode | ClientErrorCode

export interface StreamErrorDetails {
    /** When a repetition can succeed, where the server said so. */
    retryAfterMs?: number | null | undefined
    /** HTTP status, or 0 where no answer came. */
    status?: number | undefined
    /** The argument that was refused. */
    field?: string | null | undefined
    cause?: unknown
    /** Milliseconds since 1970. */
    at?: number | undefined
}

export class StreamError extends Error {
    override readonly name = 'StreamError'
    readonly code: StreamErrorCode
    readonly category: ErrorCategory
    /** Whether the same call can succeed later without anybody's doing. */
    readonly recoverable: boolean
    readonly retryAfterMs: number | null
    readonly status: number
    readonly field: string | null
    /** What the app should show or do when nothing else helps. */
    readonly fallbackAction: string
    readonly timestamp: Date

    constructor(code: StreamErrorCode, message: string, details: StreamErrorDetails = {}) {
        super(message, details.cause === undefined ? undefined : { cause: details.cause })
        const entry = entryOf(code)
        this.code = code
        this.category = entry[0]
        this.recoverable = entry[1]
        this.fallbackAction = entry[2] ?? ERROR_RECOVERY_STRATEGIES[entry[0]].fallbackAction
        this.retryAfterMs = details.retryAfterMs ?? null
        this.status = details.status ?? 0
        this.field = details.field ?? null
        this.timestamp = new Date(details.at ?? Date.now())
    }
}

function entryOf(code: StreamErrorCode): ErrorEntry {
    return isServerCode(code) ? ERRORS[code] : CLIENT_ERRORS[code]
}

/** Whether the server's catalogue, as this client knows it, has the code. */
export function isServerCode(code: string): code is ErrorCode {
    return Object.hasOwn(ERRORS, code)
}

/** The error of a call whose signal was aborted; a `StreamError` given as the reason is kept. */
export function abortedError(signal: AbortSignal | undefined): StreamError {
    const reason: unknown = signal?.reason
    return reason instanceof StreamError
        ? reason
        : new StreamError('aborted', 'the call was aborted', { cause: reason })
}

/** Any thrown value as a `StreamError`; what is none already is taken for a failure of the network. */
export function toStreamError(thrown: unknown): StreamError {
    if (thrown instanceof StreamError) return thrown
    const message = thrown instanceof Error ? thrown.message : 'no answer came'
    return new StreamError('unreachable', message, { cause: thrown })
}

/**
 * Whether waiting is of no use: the caller must do something first. A refusal of the service itself (5xx) may pass,
 * whatever its code promises.
 */
export function isTerminal(error: StreamError): boolean {
    return !error.recoverable && error.status < 500
}
