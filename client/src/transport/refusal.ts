/** The errors that PostgREST and edge_api answer with, as `StreamError`s. */

import { SQLSTATES } from '../contract/errors.ts'
import { isServerCode, StreamError, type StreamErrorCode } from '../error/stream_error.ts'

/** PostgREST's own codes about the token of a request. */
const POSTGREST_CODES: Readonly<Record<string, StreamErrorCode>> = {
    PGRST301: 'token_invalid',
    PGRST302: 'unauthenticated',
    PGRST303: 'token_expired',
}

/** What both servers say about a refusal, under one set of names. */
export interface Refusal {
    status: number
    message: string
    /** The catalogue's code, or Postgres's or PostgREST's own. */
    code: string | undefined
    retryAfterMs: number | null
    field: string | null
    cause?: unknown
}

export function refusalError(refusal: Refusal): StreamError {
    const { status, retryAfterMs, field, cause } = refusal
    return new StreamError(codeOf(refusal), refusal.message, { status, retryAfterMs, field, cause })
}

function codeOf({ code = '', status, message }: Refusal): StreamErrorCode {
    if (isServerCode(code)) return code
    if (code === 'PGRST301' && /expired/i.test(message)) return 'token_expired'
    const known = SQLSTATES[code] ?? POSTGREST_CODES[code]
    return known ?? codeOfStatus(status)
}

/** For an answer without a code that this client knows: a proxy's, or of a newer server. */
function codeOfStatus(status: number): StreamErrorCode {
    if (status === 0) return 'unreachable'
    if (status === 401) return 'token_invalid'
    if (status === 403) return 'forbidden'
    if (status === 404) return 'route_not_found'
    if (status === 413) return 'payload_too_large'
    if (status === 429) return 'rate_limited'
    if (status === 408 || status === 504) return 'timed_out'
    if (status >= 500) return 'upstream_unavailable'
    return status >= 400 ? 'invalid_argument' : 'invalid_answer'
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

export function textOr(value: unknown, otherwise: string): string {
    return typeof value === 'string' && value !== '' ? value : otherwise
}

export function numberOrNull(value: unknown): number | null {
    return typeof value === 'number' && Number.isFinite(value) ? value : null
}
