/** The refusal of a request, and its form on the wire: a problem of RFC 9457, as edge_api writes it. */

import { type CatalogueEntry, type ErrorCode, ERRORS } from './errors.ts'

/** What makes a refusal precise. */
export interface Precision {
    /** Another status than the code's own. */
    status?: number
    detail?: string
    field?: string
    retryAfterMs?: number
    /** For the log alone; it holds no value of the request. */
    reason?: string
}

export class Refusal extends Error {
    readonly code: ErrorCode
    readonly precision: Precision

    constructor(code: ErrorCode, precision: Precision = {}) {
        super(code)
        this.code = code
        this.precision = precision
    }

    get entry(): CatalogueEntry {
        return ERRORS[this.code]
    }

    get status(): number {
        return this.precision.status ?? this.entry.status
    }
}

/** The pause after a refusal that lasts for a moment. */
const MOMENT_MS = 1000
/** The pause after a refusal that a person has to end. */
const WHILE_MS = 60_000

/** The pause that the refusal names, or the usual one: every 429 and 503 has one. */
function retryAfterMs(refusal: Refusal): number | undefined {
    const usual = refusal.entry.recoverable ? MOMENT_MS : WHILE_MS
    return refusal.precision.retryAfterMs ?? ([429, 503].includes(refusal.status) ? usual : undefined)
}

export function problem(refusal: Refusal, requestId: string): Response {
    const { entry, status, code, precision } = refusal
    const waitMs = retryAfterMs(refusal)
    const body = JSON.stringify({
        type: `/v1/errors/${code}`,
        title: entry.message,
        status,
        detail: precision.detail ?? entry.hint,
        code,
        category: entry.category,
        recoverable: entry.recoverable,
        field: precision.field,
        retry_after_ms: waitMs,
        recovery: entry.recovery,
        request_id: requestId,
    })
    const headers = new Headers({
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
        'x-request-id': requestId,
    })
    if (code === 'webhook_signature_invalid' || code === 'webhook_signature_outdated') {
        headers.set('www-authenticate', 'Agora-Signature-V2')
    }
    if (status === 405) {
        headers.set('allow', 'POST')
    }
    if (waitMs !== undefined) {
        headers.set('retry-after', String(Math.ceil(waitMs / 1000)))
    }
    return new Response(body, { status, headers })
}
