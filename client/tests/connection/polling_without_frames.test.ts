/** Polling that syncs and heartbeats ask for, of a stream whose frames come rarely. */

import { describe, expect, it } from 'vitest'
import { bench } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'

const OVER = ['rpc', 'edge'] as const

describe.each(OVER)('poll_ms without a frame, over %s', (over) => {
    it('is obeyed by who joins, before the first heartbeat', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        stream.pollMs = 5_000
        await connect()
        const syncs = supabase.count('sync')
        await clock.advance(13_000)
        expect(supabase.count('heartbeat')).toBe(0)
        expect(supabase.count('sync') - syncs).toBe(2)
        await dispose()
    })

    it('is obeyed by who syncs, before the next heartbeat', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        stream.nextInMs = 3_600_000
        await connect()
        await clock.advance(20_000)
        const syncs = supabase.count('sync')
        stream.pollMs = 10_000
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('resync', { session_id: SESSION })
        await clock.advance(14_000)
        expect(supabase.count('heartbeat')).toBe(1)
        expect(supabase.count('sync') - syncs).toBe(2)
        await dispose()
    })

    it('is obeyed from a heartbeat on, however often it is repeated and changes, until one has none', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        await connect()
        await clock.advance(20_000)
        const syncs = supabase.count('sync')
        // A poll is further away than the next heartbeat.
        stream.pollMs = 20_000
        for (let second = 0; second < 195; second++) {
            stream.pollMs += 10
            await clock.advance(1_000)
        }
        const polled = supabase.count('sync') - syncs
        expect(polled).toBeGreaterThanOrEqual(7)
        expect(polled).toBeLessThanOrEqual(10)
        stream.pollMs = null
        await clock.advance(15_000)
        const after = supabase.count('sync')
        await clock.advance(120_000)
        expect(supabase.count('sync')).toBe(after)
        await dispose()
    })

    it('is that of the newest by the clock of the server, not of the last to arrive', async () => {
        const { connect, clock, supabase, stream, dispose } = bench({ over })
        stream.nextInMs = 20_000
        await connect()
        const syncs = supabase.count('sync')
        const frame = {
            session_id: SESSION,
            poll_ms: 10_000,
            server_time: new Date(clock.now() + 20_000).toISOString(),
        }
        supabase.handlers.sync = () => ({ ...stream.sync(), poll_ms: 10_000, server_time: frame.server_time })
        supabase.realtime.find(`chat:${SESSION}`)?.broadcast('messages', frame)
        await clock.advance(16_000)
        expect(supabase.count('heartbeat')).toBe(1)
        await clock.advance(10_000)
        expect(supabase.count('sync') - syncs).toBe(2)
        await clock.advance(10_000)
        expect(supabase.count('heartbeat')).toBe(2)
        const after = supabase.count('sync')
        await clock.advance(60_000)
        expect(supabase.count('sync')).toBe(after)
        await dispose()
    })
})
