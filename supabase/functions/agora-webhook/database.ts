/** The call of `stream.apply_webhook` through the project's Data API, as the service, and what each of its failures means. */

import { type ErrorCode, ERRORS } from './errors.ts'
import { Refusal } from './refusal.ts'
import type { Project } from './settings.ts'

/** Agora waits 10 s for the answer, and for all of it together. It sends the notice again after any answer but 200. */
const DEADLINE_MS = 5_000

/** The beginning of the states that only this product raises. */
const RAISED_BY_US = 'PT'

/** Applies a notice, and returns what became of it as the database writes it. What was begun ends as a whole or not at all. */
export async function applyNotice(notice: string, project: Project): Promise<string> {
    const headers = new Headers({ 'content-type': 'application/json', 'content-profile': 'stream', apikey: project.key })
    // The gateway exchanges a newer key for a token by itself.
    if (!project.key.startsWith('sb_')) {
        headers.set('authorization', `Bearer ${project.key}`)
    }
    let response: Response
    let body: string
    try {
        response = await fetch(`${project.url}/rest/v1/rpc/apply_webhook`, {
            method: 'POST',
            headers,
            body: `{"notice":${notice}}`,
            redirect: 'manual',
            signal: AbortSignal.timeout(DEADLINE_MS),
        })
        body = await response.text()
    } catch (error) {
        const isLate = error instanceof DOMException && error.name === 'TimeoutError'
        const reason = isLate ? 'a notice was not applied within the deadline' : 'the Data API cannot be reached'
        throw new Refusal('upstream_unavailable', { reason })
    }
    if (!response.ok) {
        throw failure(response.status, body)
    }
    return body
}

function failure(status: number, body: string): Refusal {
    const error = parsed(body)
    const code = error?.code
    if (typeof code !== 'string') {
        return ofGateway(status)
    }
    if (code.startsWith('PGRST')) {
        return ofPostgrest(code)
    }
    return /^[0-9A-Z]{5}$/.test(code) ? ofDatabase(code, error?.details) : ofGateway(status)
}

function ofPostgrest(code: string): Refusal {
    switch (code) {
        case 'PGRST000':
        case 'PGRST001':
        case 'PGRST002':
            return new Refusal('upstream_unavailable', { reason: code })
        case 'PGRST003':
            return new Refusal('overloaded', { retryAfterMs: 1000, reason: code })
        // The project's own key was refused, or schema stream is not exposed: nothing that the sender could mend.
        default:
            return new Refusal('internal', { reason: code })
    }
}

function ofGateway(status: number): Refusal {
    const reason = `status ${status} of the gateway`
    if (status === 429) {
        return new Refusal('overloaded', { retryAfterMs: 1000, reason })
    }
    const isAway = (status >= 502 && status <= 504) || (status >= 520 && status <= 599)
    return new Refusal(isAway ? 'upstream_unavailable' : 'internal', { reason })
}

/** Judges by state and DETAIL. A state of ours counts only when its DETAIL names a code with that very state. */
function ofDatabase(sqlstate: string, details: unknown): Refusal {
    const reason = `SQLSTATE ${sqlstate}`
    const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].sqlstate === sqlstate)
    const [raisedByPostgres] = sqlstate.startsWith(RAISED_BY_US) ? [] : codes
    if (raisedByPostgres !== undefined) {
        return new Refusal(raisedByPostgres, { reason })
    }
    const detail = typeof details === 'string' ? parsed(details) : undefined
    const own = codes.find((code) => code === detail?.code)
    if (own !== undefined) {
        const waitMs = detail?.retry_after_ms
        return new Refusal(own, { reason, ...(typeof waitMs === 'number' && { retryAfterMs: waitMs }) })
    }
    return new Refusal(sqlstate.startsWith('08') ? 'upstream_unavailable' : 'internal', { reason })
}

function parsed(text: string): Record<string, unknown> | undefined {
    try {
        const value: unknown = JSON.parse(text)
        return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
    } catch {
        return undefined
    }
}
