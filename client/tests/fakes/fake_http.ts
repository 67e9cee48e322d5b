/** One HTTP server in the process that answers as PostgREST does, and as the edge does, from the same table. */

import type { OperationName } from '../../src/contract/operations.ts'
import { ROUTES } from '../../src/contract/routes.ts'

export interface Request {
    name: string
    args: Record<string, unknown>
    headers: Headers
}

/** A result, or a refusal under the names of the catalogue. */
export type Outcome =
    | { result: unknown }
    | { code: string; status: number; message: string; retryAfterMs?: number; field?: string; sqlstate?: string }
    | { raw: string; status: number; headers?: Record<string, string> }
    | 'unreachable'
    | 'silence'

export class FakeHttp {
    readonly requests: Request[] = []
    answer: (request: Request) => Outcome = () => ({ result: null })
    pollIntervalMs: number | null = null

    readonly fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
        const url = new URL(String(input))
        const headers = new Headers(init.headers)
        const isRpc = url.pathname.startsWith('/rest/v1/rpc/')
        const request = isRpc ? rpcRequest(url, init, headers) : edgeRequest(url, init, headers)
        this.requests.push(request)
        const outcome = this.answer(request)
        if (outcome === 'unreachable') throw new TypeError('fetch failed')
        if (outcome === 'silence') return await aborted(init.signal ?? undefined)
        if ('raw' in outcome) return new Response(outcome.raw, outcome)
        if ('result' in outcome) return this.#result(outcome.result, isRpc, request)
        return isRpc ? postgrestError(outcome) : problem(outcome)
    }

    #result(result: unknown, isRpc: boolean, { name, headers }: Request): Response {
        const extra: Record<string, string> = { 'content-type': 'application/json' }
        if (!isRpc && name === 'sync') {
            if (this.pollIntervalMs !== null) extra['x-poll-interval-ms'] = String(this.pollIntervalMs)
            const tag = `W/"${(result as { version: string }).version}"`
            if (headers.get('if-none-match') === tag) return new Response(null, { status: 304, headers: extra })
        }
        return new Response(JSON.stringify(result), { status: 200, headers: extra })
    }
}

function rpcRequest(url: URL, init: RequestInit, headers: Headers): Request {
    const name = url.pathname.split('/').at(-1) ?? ''
    return { name, args: JSON.parse(String(init.body ?? '{}')), headers }
}

/** Finds the route as the edge does, and types what a query carries as text. */
function edgeRequest(url: URL, init: RequestInit, headers: Headers): Request {
    for (const [name, [method, path]] of Object.entries(ROUTES) as [OperationName, (typeof ROUTES)[OperationName]][]) {
        const pattern = new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
        const match = method === (init.method ?? 'GET') ? pattern.exec(url.pathname) : null
        if (!match) continue
        const inPath = Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])
        const inQuery = [...url.searchParams].map(([key, value]) => [key, /^\d+$/.test(value) ? Number(value) : value])
        const inBody = init.body ? (JSON.parse(String(init.body)) as object) : {}
        return { name, args: { ...Object.fromEntries([...inPath, ...inQuery]), ...inBody }, headers }
    }
    throw new Error(`no route for ${init.method} ${url.pathname}`)
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
    return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
    })
}

interface RefusalOutcome {
    code: string
    status: number
    message: string
    retryAfterMs?: number
    field?: string
    sqlstate?: string
}

function postgrestError({ code, status, message, retryAfterMs, field, sqlstate }: RefusalOutcome): Response {
    // Errors of Postgres itself have no DETAIL of ours.
    const details = sqlstate ? null : JSON.stringify({ code, retry_after_ms: retryAfterMs, field })
    const body = { code: sqlstate ?? `PT${status}`, message, details, hint: null }
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}

function problem({ code, status, message, retryAfterMs, field }: RefusalOutcome): Response {
    const body = {
        type: `about:blank#${code}`,
        title: message,
        status,
        detail: message,
        code,
        field,
        retry_after_ms: retryAfterMs,
    }
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } })
}
