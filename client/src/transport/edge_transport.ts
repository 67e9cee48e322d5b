/** Calls over edge_api: its REST routes, and its polling with entity tags. */

import type { AccessTokens } from '../access/access_tokens.ts'
import type { Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import { type OperationName, ROUTES } from '../contract/operations.ts'
import { StreamError, toStreamError } from '../error/stream_error.ts'
import { numberOrNull, parseObject, refusalError, textOr } from './refusal.ts'
import {
    type Args,
    CALL_WITHIN_MS,
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
        headers: Record<string, string> = {}
    ): Promise<Answer> {
        const answer = await within(this.#clock, CALL_WITHIN_MS, signal, async (bounded): Promise<Answer> => {
            const token = await this.#access.get()
            const { url, init } = request(this.#url, name, args)
            const own = { authorization: `Bearer ${token}`, 'x-client-info': CLIENT_INFO }
            const all = { ...own, ...(init.headers as Record<string, string>), ...headers }
            const response = await this.#fetch(url, { ...init, headers: all, signal: bounded })
            return { status: response.status, text: await response.text(), headers: response.headers }
        }).catch((thrown: unknown) => {
            throw toStreamError(thrown)
        })
        if (answer.status >= 400) throw refused(answer, this.#clock.now())
        return answer
    }
}

/** The request of a route: arguments in the path, then in the query or in the body. */
function request(base: string, name: OperationName, args: object): { url: string; init: RequestInit } {
    const [method, template] = ROUTES[name]
    const rest = given(args)
    const path = template.replace(/\{(\w+)\}/g, (_, argument: string) => {
        const value = rest[argument]
        if (value === undefined)
            throw new StreamError('invalid_argument', `${name} needs ${argument}`, { field: argument })
        delete rest[argument]
        return encodeURIComponent(String(value))
    })
    const url = base + path
    const names = Object.keys(rest)
    if (names.length === 0) return { url, init: { method, headers: {} } }
    if (WITHOUT_BODY.includes(method)) {
        const query = names.map((argument) => `${argument}=${encodeURIComponent(String(rest[argument]))}`)
        return { url: `${url}?${query.join('&')}`, init: { method, headers: {} } }
    }
    return { url, init: { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(rest) } }
}

function parsed({ status, text }: Answer): unknown {
    if (text === '') return null
    try {
        return JSON.parse(text)
    } catch (cause) {
        throw new StreamError('invalid_answer', 'the answer is no JSON', { status, cause })
    }
}

/** A problem of RFC 9457, or whatever a proxy in between wrote. */
function refused({ status, text, headers }: Answer, now: number): StreamError {
    const problem = parseObject(text)
    return refusalError({
        status,
        message: textOr(problem.detail, textOr(problem.title, 'the call was refused')),
        code: typeof problem.code === 'string' ? problem.code : undefined,
        retryAfterMs: numberOrNull(problem.retry_after_ms) ?? retryAfterMs(headers.get('retry-after'), now),
        field: typeof problem.field === 'string' ? problem.field : null,
    })
}

/** Seconds, or a date, which a clock that is wrong by years reads as an hour at most. */
function retryAfterMs(after: string | null, now: number): number | null {
    return after === null
        ? null
        : numberOrNull(Math.min(Math.max(0, Number(after) * 1000 || Date.parse(after) - now), 3_600_000))
}
