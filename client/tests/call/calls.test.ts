/** Calls of the services: repeated where that is safe, with the same request id, and ended with the client. */

import { describe, expect, it } from 'vitest'
import { bench } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'

describe('a call that gets no answer', () => {
    it('is repeated with the same request id, as often as the catalogue says', async () => {
        const { client, supabase, clock } = bench()
        supabase.isReachable = false
        const paused = client.stream.pauseStream(SESSION)
        paused.catch(() => {})
        await clock.advance(60_000)
        await expect(paused).rejects.toMatchObject({ code: 'unreachable', recoverable: true })
        const ids = supabase.calls.map(({ args }) => args.request_id)
        expect(ids).toHaveLength(4)
        expect(new Set(ids).size).toBe(1)
        expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        const waits = supabase.calls.slice(1).map(({ at }, index) => at - (supabase.calls[index]?.at ?? 0))
        waits.forEach((ms, index) => {
            expect(ms).toBeGreaterThanOrEqual(1_000 * 2 ** index)
            expect(ms).toBeLessThanOrEqual(2_000 * 2 ** index + 10)
        })
    })

    it('succeeds when a repetition does, and the breaker forgets', async () => {
        const { client, supabase, clock } = bench()
        supabase.isReachable = false
        supabase.handlers.get_viewer_count = () => 3
        const count = client.stream.getViewerCount(SESSION)
        await clock.advance(500)
        supabase.isReachable = true
        await clock.advance(5_000)
        expect(await count).toBe(3)
        expect(client.breaker).toMatchObject({ state: 'CLOSED', failureCount: 0 })
    })

    it('is not repeated where that could do something twice', async () => {
        const { client, supabase, clock } = bench()
        supabase.isReachable = false
        const args = { session_id: SESSION, content: 'hello' }
        const sent = client.core.calls.run('send_message', args)
        sent.catch(() => {})
        const withId = client.core.calls.run('send_message', { ...args, id: SESSION })
        withId.catch(() => {})
        await clock.advance(60_000)
        await expect(sent).rejects.toMatchObject({ code: 'unreachable' })
        await expect(withId).rejects.toMatchObject({ code: 'unreachable' })
        expect(supabase.calls.filter(({ args: { id } }) => id === undefined)).toHaveLength(1)
        expect(supabase.calls.filter(({ args: { id } }) => id === SESSION).length).toBeGreaterThan(1)
    })

    it('is not repeated after a refusal', async () => {
        const { client, supabase, clock } = bench()
        supabase.handlers.end_stream = () => {
            throw new Refused('not_stream_owner', 403)
        }
        const ended = client.stream.endStream(SESSION)
        ended.catch(() => {})
        await clock.advance(60_000)
        await expect(ended).rejects.toMatchObject({ code: 'not_stream_owner', category: 'permission_error' })
        expect(supabase.count('end_stream')).toBe(1)
    })

    it('opens the breaker of calls, and leaves connections alone', async () => {
        const { client, supabase, clock, connect, dispose } = bench()
        supabase.isReachable = false
        for (let call = 0; call < 2; call++) client.stream.getViewerCount(SESSION).catch(() => {})
        await clock.advance(20_000)
        expect(client.breaker.state).toBe('OPEN')
        supabase.isReachable = true
        await connect()
        expect(client.connection.getConnectionState()).toBe('connected')
        expect(client.breaker.state).toBe('OPEN')
        await dispose()
    })
})

describe('an aborted call', () => {
    it('ends at once, also between two attempts, and leaves no timer', async () => {
        const { client, supabase, clock } = bench()
        supabase.isReachable = false
        const controller = new AbortController()
        const call = client.stream.getViewerCount(SESSION, { signal: controller.signal })
        call.catch(() => {})
        await clock.advance(100)
        controller.abort()
        await expect(call).rejects.toMatchObject({ code: 'aborted' })
        await clock.advance(0)
        expect(clock.pending).toBe(0)
    })
})

describe('a client that is disposed of', () => {
    it('ends calls and connections, refuses others, and can be disposed of again', async () => {
        const { client, connect, dispose, clock, lifecycle, supabase, states } = bench()
        await connect()
        supabase.handlers.get_viewer_count = () => 1
        supabase.callMs = 30_000
        const call = client.stream.getViewerCount(SESSION)
        call.catch(() => {})
        await dispose()
        await client[Symbol.asyncDispose]()
        await expect(call).rejects.toBeDefined()
        supabase.callMs = 10
        await expect(client.stream.getViewerCount(SESSION)).rejects.toMatchObject({ code: 'disposed' })
        await expect(client.connection.connect({ sessionId: SESSION, userId: SESSION })).rejects.toMatchObject({
            code: 'disposed',
        })
        expect(states.at(-1)).toBe('disconnected disconnect')
        expect(supabase.count('remove_viewer')).toBe(1)
        expect(supabase.realtime.channels).toEqual([])
        expect(lifecycle.listenerCount).toBe(0)
        expect(supabase.authListeners).toBe(0)
        // The fake server's own.
        await clock.advance(30_000)
        expect(clock.pending).toBe(0)
    })
})
