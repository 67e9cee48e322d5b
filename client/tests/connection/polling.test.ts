/** Polling in the place of Realtime, and beside it where the server says that frames are slow. */

import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'

const OVER = ['rpc', 'edge'] as const

function frame(pollMs: number | null): Record<string, unknown> {
    return {
        v: 1,
        session_id: SESSION,
        epoch: 'e1',
        from_seq: 4,
        to_seq: 4,
        head_seq: 4,
        messages: [],
        poll_ms: pollMs,
    }
}

describe.each(OVER)('a stream whose Realtime is out of reach, over %s', (over) => {
    it('is polled while calls get through, and no longer once Realtime is back', async () => {
        const { client, clock, supabase, stream, dispose } = bench({ over })
        client.connection.setRetryPolicy({ maxAttempts: 50, baseDelay: 500, maxDelay: 20_000, backoffMultiplier: 2 })
        supabase.realtime.answers = () => 'silence'
        client.connection.connect(CONFIG).catch(() => {})
        await clock.advance(40_000)
        expect(supabase.count('sync')).toBeGreaterThanOrEqual(3)
        stream.state = 'paused'
        stream.headSeq++
        await clock.advance(12_000)
        expect(client.connection.connection?.store.snapshot.state).toBe('paused')
        supabase.realtime.answers = () => 'ok'
        await clock.advance(40_000)
        expect(client.connection.getConnectionState()).toBe('connected')
        const syncs = supabase.count('sync')
        await clock.advance(120_000)
        expect(supabase.count('sync')).toBe(syncs)
        await dispose()
    })
})

describe.each(OVER)('a wake while polling takes the place of Realtime, over %s', (over) => {
    it('makes one sync, and none for the poll whose time has passed', async () => {
        const { client, clock, supabase, lifecycle, dispose } = bench({ over })
        client.connection.setRetryPolicy({ maxAttempts: 90, baseDelay: 500, maxDelay: 20_000, backoffMultiplier: 2 })
        supabase.realtime.answers = () => 'silence'
        client.connection.connect(CONFIG).catch(() => {})
        await clock.advance(40_000)
        for (let slept = 0; slept < 20; slept++) {
            lifecycle.emit('background')
            clock.sleep(30_000)
            const syncs = supabase.count('sync')
            supabase.realtime.answers = () => 'ok'
            lifecycle.emit('active')
            await clock.advance(2_000)
            expect(client.connection.getConnectionState()).toBe('connected')
            expect(supabase.count('sync')).toBe(syncs + 1)
            supabase.realtime.answers = () => 'silence'
            supabase.realtime.cut()
            await clock.advance(40_000)
        }
        await dispose()
    })
})

describe.each(OVER)('a poll that the next attempt interrupts, over %s', (over) => {
    it('is no refusal', async () => {
        const { client, clock, supabase, dispose, errors } = bench({ over })
        client.connection.setRetryPolicy({ maxAttempts: 90, baseDelay: 500, maxDelay: 20_000, backoffMultiplier: 2 })
        supabase.realtime.answers = () => 'silence'
        client.connection.connect(CONFIG).catch(() => {})
        await clock.advance(20_000)
        supabase.callMs = 4_000
        await clock.advance(300_000)
        expect(supabase.count('sync')).toBeGreaterThan(10)
        expect(errors).toEqual([])
        expect(client.connection.getConnectionState()).toBe('connecting')
        await dispose()
    })
})

describe.each(OVER)('frames that carry poll_ms, over %s', (over) => {
    it('are obeyed until one carries none', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        await connect()
        const syncs = supabase.count('sync')
        stream.pollMs = 10_000
        supabase.realtime.find(`chat:${SESSION}`)?.broadcast('messages', frame(10_000))
        await clock.advance(60_000)
        const polled = supabase.count('sync') - syncs
        expect(polled).toBeGreaterThanOrEqual(5)
        expect(polled).toBeLessThanOrEqual(7)
        stream.pollMs = null
        supabase.realtime.find(`chat:${SESSION}`)?.broadcast('messages', frame(null))
        const after = supabase.count('sync')
        await clock.advance(60_000)
        expect(supabase.count('sync')).toBe(after)
        await dispose()
    })

    it('put the next poll off, since they bring the same', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        stream.pollMs = 20_000
        await connect()
        const syncs = supabase.count('sync')
        for (let no = 0; no < 10; no++) {
            supabase.realtime.find(`chat:${SESSION}`)?.broadcast('messages', frame(20_000))
            await clock.advance(15_000)
        }
        expect(supabase.count('sync')).toBe(syncs)
        await dispose()
    })

    it('are obeyed for little more than a minute, in which whatever waited got a frame', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        stream.nextInMs = 3_600_000
        await connect()
        await clock.advance(15_000)
        stream.pollMs = 10_000
        const chat = supabase.realtime.find(`chat:${SESSION}`)
        for (let round = 0; round < 2; round++) {
            const syncs = supabase.count('sync')
            chat?.broadcast('messages', frame(10_000))
            await clock.advance(30_000)
            chat?.broadcast('messages', frame(10_000))
            await clock.advance(76_000)
            const polled = supabase.count('sync') - syncs
            expect(polled).toBeGreaterThanOrEqual(8)
            expect(polled).toBeLessThanOrEqual(12)
            const after = supabase.count('sync')
            await clock.advance(120_000)
            expect(supabase.count('sync')).toBe(after)
        }
        await dispose()
    })
})

describe.each(OVER)('a poll that is refused for a time, over %s', (over) => {
    it('is not repeated before, whatever frames say meanwhile', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        await connect()
        const chat = supabase.realtime.find(`chat:${SESSION}`)
        stream.pollMs = 2_000
        supabase.handlers.sync = () => {
            throw new Refused('upstream_unavailable', 503, 60_000)
        }
        const syncs = supabase.count('sync')
        chat?.broadcast('messages', frame(5_000))
        await clock.advance(6_000)
        expect(supabase.count('sync')).toBe(syncs + 1)
        chat?.broadcast('messages', frame(2_000))
        await clock.advance(50_000)
        expect(supabase.count('sync')).toBe(syncs + 1)
        supabase.handlers.sync = () => stream.sync()
        await clock.advance(30_000)
        expect(supabase.count('sync')).toBeGreaterThan(syncs + 3)
        await dispose()
    })
})

describe.each(OVER)('a server that does not confirm its replication, over %s', (over) => {
    it('counts as joined after five seconds, and is asked once more a little later', async () => {
        const { client, clock, supabase, dispose } = bench({ over })
        supabase.realtime.answers = () => 'unconfirmed'
        const connected = client.connection.connect(CONFIG)
        await clock.advance(4_000)
        expect(client.connection.getConnectionState()).toBe('connecting')
        await clock.advance(2_000)
        await connected
        expect(supabase.count('sync')).toBe(1)
        await clock.advance(60_000)
        expect(supabase.count('sync')).toBe(2)
        await dispose()
    })
})

describe.each(OVER)('a stream that asks for a resync, over %s', (over) => {
    it('gets one, at a moment of its own', async () => {
        const { connect, clock, supabase, dispose } = bench({ over })
        await connect()
        const syncs = supabase.count('sync')
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('resync', { session_id: SESSION, reason: 'restored' })
        supabase.realtime.find(`chat:${SESSION}`)?.broadcast('resync', { session_id: SESSION, reason: 'restored' })
        expect(supabase.count('sync')).toBe(syncs)
        await clock.advance(3_000)
        expect(supabase.count('sync')).toBe(syncs + 1)
        await dispose()
    })

    it('that is repeated until it succeeds', async () => {
        const { client, connect, clock, supabase, stream, dispose } = bench({ over })
        await connect()
        let succeeded = 0
        supabase.handlers.sync = () => {
            succeeded++
            return stream.sync()
        }
        stream.viewerCount = 9
        supabase.isReachable = false
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('resync', { session_id: SESSION, reason: 'restored' })
        const syncs = supabase.count('sync')
        await clock.advance(12_000)
        expect(supabase.count('sync')).toBeGreaterThan(syncs + 3)
        expect(succeeded).toBe(0)
        supabase.isReachable = true
        await clock.advance(30_000)
        expect(succeeded).toBe(1)
        expect(client.connection.connection?.store.snapshot.viewerCount).toBe(9)
        await clock.advance(60_000)
        expect(succeeded).toBe(1)
        await dispose()
    })
})

describe.each(OVER)('a token that is about to expire, over %s', (over) => {
    it('is renewed by a heartbeat at once', async () => {
        const { connect, clock, supabase, client, stream, dispose } = bench({ over })
        await connect()
        const beats = supabase.count('heartbeat')
        stream.heartbeatToken = stream.token()
        const tokens: number[] = []
        client.connection.on('token', ({ uid }) => tokens.push(uid))
        supabase.realtime.find(`user:${CONFIG.userId}`)?.broadcast('token_expiring', { session_id: SESSION })
        await clock.advance(100)
        expect(supabase.count('heartbeat')).toBe(beats + 1)
        expect(tokens).toEqual([7])
        await dispose()
    })
})
