/** Calls over edge_api: its REST routes, and its polling with entity tags. */

import type { AccessTokens } from '../access/access_tokens.ts'
import type { Clock } from '../clock/clock.ts'
import type { OperationName } from '../contract/operations.ts'
import { ROUTES } from '../contract/routes.ts'
import { StreamError } from '../error/stream_error.ts'
import { boundedCall } from './bounded_call.ts'
import { numberOrNull, parseObject, refusalError } from './refusal.ts'
import {
    type Args,
    type CallOptions,
    CLIENT_INFO,
    given,
    type PollAnswer,
    type Result,
    type Transport,
} from './transport.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface EdgeOptions {
    /** Where the edge is, without `/v1`. */
    edgeUrl: string
    access: AccessTokens
    clock: Clock
    fetch?: Fetch | undefined
}

interface Answer {
    status: number
    text: string
    headers: Headers
}

/** Routes whose arguments stand in the query. */
const WITHOUT_BODY = ['GET', 'DELETE']

export class EdgeTransport implements Transport {
    readonly kind = 'edge'
    readonly #url: string
    readonly #access: AccessTokens
    readonly #clock: Clock
    readonly #fetch: Fetch

    constructor({ edgeUrl, access, clock, fetch: given }: EdgeOptions) {
        this.#url = edgeUrl.replace(/\/+$/, '')
        this.#access = access
        this.#clock = clock
        this.#fetch = given ?? ((url, init) => globalThis.fetch(url, init))
    }

    async call<Name extends OperationName>(
        name: Name,
        args: Args<Name>,
        { signal }: CallOptions = {}
    ): Promise<Result<Name>> {
        const answer = await this.#send(name, args, signal)
        return parsed(answer) as Result<Name>
    }

    async poll(args: Args<'sync'>, version: string | null, { signal }: CallOptions = {}): Promise<PollAnswer> {
        const known = version === null ? undefined : { 'if-none-match': `W/"${version}"` }
        const answer = await this.#send('sync', args, signal, known)
        const interval = answer.headers.get('x-poll-interval-ms')
        const pollIntervalMs = interval === null ? null : numberOrNull(Number(interval))
        if (answer.status === 304) return { result: null, version: version ?? '', pollIntervalMs }
        const result = parsed(answer) as Result<'sync'>
        return { result, version: result.version, pollIntervalMs }
    }

    async #send(
        name: OperationName,
        args: object,
        signal: AbortSignal | undefined,
        known?: Record<string, string>
    ): Promise<Answer> {
        const answer = await boundedCall(this.#clock, this.#access, signal, async (token, bounded): Promise<Answer> => {
            const { path, ...init } = request(name, args)
            const headers = {
                authorization: `Bearer ${token}`,
                'x-client-info': CLIENT_INFO,
                ...init.headers,
                ...known,
            }
            const response = await this.#fetch(this.#url + path, { ...init, headers, signal: bounded })
            return { status: response.status, text: await response.text(), headers: response.headers }
        })
        if (answer.status >= 400) throw refused(answer, this.#clock.now())
        return answer
    }
}

interface Request {
    method: string
    path: string
    headers?: Record<string, string>
    body?: string
}

/** The request of a route: arguments in the path, then in the query or in the body. */
function request(name: OperationName, args: object): Request {
    const [method, template] = ROUTES[name]
    const rest = given(args)
    const path = template.replace(/\{(\w+)\}/g, (_, field: string) => {
        const value = rest[field]
        if (value === undefined) throw new StreamError('invalid_argument', `${name} needs ${field}`, { field })
        delete rest[field]
        return encodeURIComponent(String(value))
    })
    const query = Object.entries(rest).map(([field, value]) => `${field}=${encodeURIComponent(String(value))}`)
    if (query.length === 0) return { method, path }
    if (WITHOUT_BODY.includes(method)) return { method, path: `${path}?${query.join('&')}` }
    return { method, path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(rest) }
}

function parsed({ status, text }: Answer): unknown {
    if (text === '') return null
    try {
        return JSON.parse(text)
    } catch (cause) {
        throw new StreamError('invalid_answer', undefined, { status, cause })
    }
}

/** A problem of RFC 9457, or whatever a proxy in between wrote. */
function refused({ status, text, headers }: Answer, now: number): StreamError {
    const problem = parseObject(text)
    const messages = [problem.detail, problem.title]
    return refusalError({ status, messages, retryAfterMs: retryAfterMs(headers.get('retry-after'), now) }, problem)
}

/** Seconds, or a date, which a clock that is wrong by years reads as an hour at most. */
function retryAfterMs(after: string | null, now: number): number | null {
    return after === null
        ? null
        : numberOrNull(Math.min(Math.max(0, Number(after) * 1000 || Date.parse(after) - now), 3_600_000))
}
