/** Both ways of a call, over supabase-js and over the edge, against one server: the same results and the same errors. */

import { createClient } from '@supabase/supabase-js'
import { describe, expect, it } from 'vitest'
import catalogue from '../../../contract/errors.json' with { type: 'json' }
import { AccessTokens } from '../../src/access/access_tokens.ts'
import { CONTRACT_VERSION } from '../../src/contract/operations.ts'
import { EdgeTransport } from '../../src/transport/edge_transport.ts'
import { RpcTransport } from '../../src/transport/rpc_transport.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { FakeClock } from '../fakes/fake_clock.ts'
import { FakeHttp } from '../fakes/fake_http.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'

function over(kind: 'rpc' | 'edge') {
    const clock = new FakeClock()
    const http = new FakeHttp()
    const supabase = createClient('http://supabase.test', 'anon', {
        accessToken: async () => 'user-token',
        global: { fetch: http.fetch },
    })
    const access = new AccessTokens(supabase)
    const transport: Transport =
        kind === 'rpc'
            ? new RpcTransport(supabase, access, clock)
            : new EdgeTransport({ edgeUrl: 'http://edge.test/', access, clock, fetch: http.fetch })
    return { clock, http, transport }
}

const REFUSALS = catalogue.map((entry) => [entry.code, entry] as const)

describe.each(['rpc', 'edge'] as const)('over %s', (kind) => {
    it('arguments arrive by their names, and absent ones do not', async () => {
        const { http, transport } = over(kind)
        const args = { session_id: SESSION, content: "it's “50 %” & more?", id: USER, user_id: undefined }
        await transport.call('send_message', args)
        await transport.call('get_message_history', { session_id: SESSION, page_size: 20, before_seq: null })
        await transport.call('sync_messages', { session_id: SESSION, last_message_id: USER })
        await transport.call('set_slow_mode', { session_id: SESSION, interval_ms: 0 })
        expect(http.requests.map(({ name, args: got }) => [name, got])).toEqual([
            ['send_message', { session_id: SESSION, content: "it's “50 %” & more?", id: USER }],
            ['get_message_history', { session_id: SESSION, page_size: 20 }],
            ['sync_messages', { session_id: SESSION, last_message_id: USER }],
            ['set_slow_mode', { session_id: SESSION, interval_ms: 0 }],
        ])
    })

    it('a call carries the user’s token and the contract of this client', async () => {
        const { http, transport } = over(kind)
        await transport.call('get_viewer_count', { session_id: SESSION })
        const { headers } = http.requests[0] as (typeof http.requests)[0]
        expect(headers.get('authorization')).toBe('Bearer user-token')
        expect(headers.get('x-client-info')).toContain(`contract/${CONTRACT_VERSION}`)
    })

    it.each([
        ['an object', { id: SESSION }],
        ['a set', [{ id: 1 }, { id: 2 }]],
        ['an empty set', []],
        ['a number', 42],
        ['zero', 0],
        ['a text', 'removed'],
        ['nothing', null],
    ])('%s is returned as the database gave it', async (_, result) => {
        const { http, transport } = over(kind)
        http.answer = () => ({ result })
        expect(await transport.call('get_viewer_count', { session_id: SESSION })).toEqual(result)
    })

    it.each(REFUSALS)('the refusal %s keeps its code, category and patience', async (code, entry) => {
        const { http, transport } = over(kind)
        http.answer = () => ({ code, status: 429, message: 'refused so', retryAfterMs: 1_500, field: 'content' })
        const { category, recoverable, recovery } = entry
        await expect(transport.call('send_message', { session_id: SESSION })).rejects.toMatchObject({
            name: 'StreamError',
            code,
            category,
            recoverable,
            fallbackAction: recovery.fallback_action,
            retryAfterMs: 1_500,
            status: 429,
            field: 'content',
            message: 'refused so',
        })
    })

    it('no answer is `unreachable`', async () => {
        const { http, transport } = over(kind)
        http.answer = () => 'unreachable'
        const refused = transport.call('heartbeat', { session_id: SESSION })
        await expect(refused).rejects.toMatchObject({
            code: 'unreachable',
            category: 'network_error',
            recoverable: true,
        })
    })

    it('an answer that never comes is given up after ten seconds', async () => {
        const { http, transport, clock } = over(kind)
        http.answer = () => 'silence'
        const call = transport.call('heartbeat', { session_id: SESSION })
        call.catch(() => {})
        await clock.advance(9_999)
        await clock.advance(1)
        await expect(call).rejects.toMatchObject({ code: 'timed_out', recoverable: true })
        expect(clock.pending).toBe(0)
    })

    it('an aborted signal ends the call, before it and during it', async () => {
        const { http, transport, clock } = over(kind)
        http.answer = () => 'silence'
        const controller = new AbortController()
        const call = transport.call('heartbeat', { session_id: SESSION }, { signal: controller.signal })
        call.catch(() => {})
        await clock.settle()
        controller.abort()
        await expect(call).rejects.toMatchObject({ code: 'aborted' })
        const late = transport.call('heartbeat', { session_id: SESSION }, { signal: controller.signal })
        await expect(late).rejects.toMatchObject({ code: 'aborted' })
        expect(http.requests.length).toBeLessThanOrEqual(1)
        expect(clock.pending).toBe(0)
    })

    it.each([
        [502, '<html>Bad gateway</html>', 'upstream_unavailable'],
        [504, '', 'timed_out'],
        [429, 'slow down', 'rate_limited'],
        [401, '', 'token_invalid'],
        [413, 'too large', 'payload_too_large'],
    ])('status %i of a proxy is %3$s', async (status, raw, code) => {
        const { http, transport } = over(kind)
        http.answer = () => ({ raw, status })
        await expect(transport.call('heartbeat', { session_id: SESSION })).rejects.toMatchObject({ code, status })
    })

    it('a poll says whether anything has changed', async () => {
        const { http, transport } = over(kind)
        http.answer = () => ({ result: { version: 'v1', head_seq: 1 } })
        const first = await transport.poll({ session_id: SESSION }, null)
        expect(first).toMatchObject({ result: { head_seq: 1 }, version: 'v1' })
        expect(await transport.poll({ session_id: SESSION }, 'v1')).toMatchObject({ result: null, version: 'v1' })
        http.answer = () => ({ result: { version: 'v2', head_seq: 2 } })
        expect(await transport.poll({ session_id: SESSION }, 'v1')).toMatchObject({
            result: { head_seq: 2 },
            version: 'v2',
        })
    })
})

describe('over rpc alone', () => {
    it('errors that Postgres and PostgREST raise themselves have codes', async () => {
        const { http, transport } = over('rpc')
        const codes: [sqlstate: string, message: string, code: string][] = [
            ['57014', 'canceling statement due to statement timeout', 'statement_timeout'],
            ['55P03', 'lock timeout', 'lock_timeout'],
            ['42501', 'permission denied for function', 'permission_denied'],
            ['PGRST303', 'JWT expired', 'token_expired'],
            ['PGRST301', 'JWT expired', 'token_expired'],
            ['PGRST301', 'No suitable key was found to decode the JWT', 'token_invalid'],
            ['PGRST302', 'Anonymous access is disabled', 'unauthenticated'],
            ['XX000', 'something else', 'upstream_unavailable'],
        ]
        for (const [sqlstate, message, code] of codes) {
            http.answer = () => ({ code: '', sqlstate, message, status: 500 })
            await expect(transport.call('heartbeat', { session_id: SESSION })).rejects.toMatchObject({ code })
        }
    })
})

describe('over the edge alone', () => {
    it('the interval of polling is the server’s', async () => {
        const { http, transport } = over('edge')
        http.answer = () => ({ result: { version: 'v1' } })
        http.pollIntervalMs = 2_500
        expect(await transport.poll({ session_id: SESSION }, 'v1')).toEqual({
            result: null,
            version: 'v1',
            pollIntervalMs: 2_500,
        })
    })

    it('an argument that the path needs is missed before anything is sent', async () => {
        const { http, transport } = over('edge')
        const args = { session_id: SESSION, buyer_id: undefined }
        await expect(transport.call('remove_viewer', args)).rejects.toMatchObject({
            code: 'invalid_argument',
            field: 'buyer_id',
        })
        expect(http.requests).toEqual([])
    })

    it.each([
        ['in seconds', { 'retry-after': '7' }, 7_000],
        ['as none', { 'retry-after': '0' }, 0],
        ['as a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' }, 7_000],
        ['as a date that is over', { 'retry-after': 'Thu, 01 Jan 2015 00:00:00 GMT' }, 0],
        ['as a date of years to come', { 'retry-after': 'Thu, 01 Jan 2032 00:00:00 GMT' }, 3_600_000],
        ['in no form', { 'retry-after': 'soon' }, null],
        ['not at all', {}, null],
    ])('what a proxy says of the next time %s is heeded', async (_, headers, retryAfterMs) => {
        const { http, transport } = over('edge')
        http.answer = () => ({ raw: 'busy', status: 503, headers: headers as Record<string, string> })
        await expect(transport.call('heartbeat', { session_id: SESSION })).rejects.toMatchObject({ retryAfterMs })
    })

    it('what is no JSON is an `invalid_answer`', async () => {
        const { http, transport } = over('edge')
        http.answer = () => ({ raw: '<html>', status: 200 })
        await expect(transport.call('heartbeat', { session_id: SESSION })).rejects.toMatchObject({
            code: 'invalid_answer',
        })
    })
})
