/** The errors that PostgREST and edge_api answer with, as `StreamError`s. */

import { StreamError, type StreamErrorCode, type StreamErrorDetails, serverCode } from '../error/stream_error.ts'

/** PostgREST's own codes about the token of a request. */
const POSTGREST_CODES: Readonly<Record<string, StreamErrorCode>> = {
    PGRST301: 'token_invalid',
    PGRST302: 'unauthenticated',
    PGRST303: 'token_expired',
}

/** For an answer without a code that this client knows: a proxy's, or of a newer server. */
const STATUS_CODES: Readonly<Record<number, StreamErrorCode>> = {
    0: 'unreachable',
    401: 'token_invalid',
    403: 'forbidden',
    404: 'route_not_found',
    408: 'timed_out',
    413: 'payload_too_large',
    429: 'rate_limited',
    504: 'timed_out',
}

/** What is known of a refusal beside what the server says in JSON. */
export interface Refusal extends StreamErrorDetails {
    status: number
    /** Postgres's or PostgREST's own code. */
    code?: string | undefined
    /** What there is to say, the first that is a text. */
    messages: unknown[]
}

/** The error of a refusal; `told` is the catalogue's part of it, of whatever form. */
export function refusalError({ code = '', messages, ...details }: Refusal, told: Record<string, unknown>): StreamError {
    const message = (messages.find((text) => text && typeof text === 'string') ?? 'the call was refused') as string
    const known = typeof told.code === 'string' ? told.code : code
    const isExpired = known === 'PGRST301' && /expired/i.test(message)
    const ownCode = isExpired ? 'token_expired' : (serverCode(known) ?? POSTGREST_CODES[known])
    return new StreamError(ownCode ?? codeOfStatus(details.status), message, {
        ...details,
        retryAfterMs: numberOrNull(told.retry_after_ms) ?? details.retryAfterMs,
        field: typeof told.field === 'string' ? told.field : null,
    })
}

function codeOfStatus(status: number): StreamErrorCode {
    const other = status >= 400 ? 'invalid_argument' : 'invalid_answer'
    return STATUS_CODES[status] ?? (status >= 500 ? 'upstream_unavailable' : other)
}

/** A JSON object, or an empty one where the text is none. */
export function parseObject(text: string | null | undefined): Record<string, unknown> {
    try {
        const value: unknown = JSON.parse(text ?? '')
        return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
    } catch {
        return {}
    }
}

export function numberOrNull(value: unknown): number | null {
    return Number.isFinite(value) ? (value as number) : null
}
