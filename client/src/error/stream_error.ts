/** The one error that the client throws and emits: a code, its category, and whether it passes. */

import { CODES, ERROR_RECOVERY_STRATEGIES, type ErrorCategory, type ErrorCode } from '../contract/errors.ts'

/** What the client itself finds wrong. */
export type ClientErrorCode =
    | 'aborted'
    | 'channel_refused'
    | 'circuit_open'
    | 'client_too_old'
    | 'devices_denied'
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
    | 'video_unavailable'

/** Codes that the client makes itself, beside those of the server's catalogue and in the same form. */
export const CLIENT_CODES: Partial<Readonly<Record<ErrorCategory, string>>> = {
    system_error: 'aborted client_too_old disposed invalid_answer+ realtime_disabled!',
    permission_error: 'channel_refused devices_denied',
    network_error:
        'circuit_open+ realtime_unavailable+ reconnect_exhausted+ timed_out+ unreachable+ video_unavailable+',
    chat_error: 'outbox_full+ send_expired',
    authentication_error: 'signed_out',
    stream_error: 'superseded',
}

interface Entry {
    code: string
    category: ErrorCategory
    mark: string | undefined
}

const SERVER: ReadonlyMap<string, Entry> = /* @__PURE__ */ tableOf(CODES)
const CLIENT: ReadonlyMap<string, Entry> = /* @__PURE__ */ tableOf(CLIENT_CODES)

function tableOf(codes: Partial<Readonly<Record<ErrorCategory, string>>>): Map<string, Entry> {
    const table = new Map<string, Entry>()
    for (const [category, list] of Object.entries(codes) as [ErrorCategory, string][]) {
        for (const word of list.split(' ')) {
            const [, code = '', mark, sqlstate] = /(\w+)(\W?):?(\w*)/.exec(word) as string[]
            const entry = { code, category, mark }
            table.set(code, entry)
            if (sqlstate) table.set(sqlstate, entry)
        }
    }
    return table
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

    /** Without a message the code says what there is to say. */
    constructor(code: StreamErrorCode, message?: string, details: StreamErrorDetails = {}) {
        super(message ?? code.replaceAll('_', ' '), details.cause === undefined ? undefined : { cause: details.cause })
        const { category, mark } = (SERVER.get(code) ?? CLIENT.get(code)) as Entry
        this.code = code
        this.category = category
        this.recoverable = mark === '+'
        if (code === 'client_too_old') this.fallbackAction = 'update_app'
        else if (mark === '!') this.fallbackAction = 'contact_operator'
        else this.fallbackAction = ERROR_RECOVERY_STRATEGIES[category].fallbackAction
        this.retryAfterMs = details.retryAfterMs ?? null
        this.status = details.status ?? 0
        this.field = details.field ?? null
        this.timestamp = new Date(details.at ?? Date.now())
    }
}

/** The code of the server's catalogue, as this client knows it, for a code of it or an SQLSTATE. */
export function serverCode(codeOrState = ''): ErrorCode | undefined {
    return SERVER.get(codeOrState)?.code as ErrorCode | undefined
}

/** The error of a call whose signal was aborted; a `StreamError` given as the reason is kept. */
export function abortedError(signal: AbortSignal | undefined): StreamError {
    const cause: unknown = signal?.reason
    return cause instanceof StreamError ? cause : new StreamError('aborted', undefined, { cause })
}

/** Any thrown value as a `StreamError`; what is none already is taken for a failure of the network. */
export function toStreamError(thrown: unknown): StreamError {
    if (thrown instanceof StreamError) return thrown
    const message = thrown instanceof Error ? thrown.message : undefined
    return new StreamError('unreachable', message, { cause: thrown })
}

/**
 * Whether waiting is of no use: the caller must do something first. A refusal of the service itself (5xx) may pass,
 * whatever its code promises.
 */
export function isTerminal(error: StreamError): boolean {
    return !error.recoverable && error.status < 500
}
