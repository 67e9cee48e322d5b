/** Connections without automatic reconnection: every loss ends them, and none leaves them deaf. */

import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'

const OVER = ['rpc', 'edge'] as const

describe.each(OVER)('without automatic reconnection, over %s', (over) => {
    it('a loss ends the connection and reconnect() brings it back', async () => {
        const { client, clock, supabase, states } = bench({ over })
        const connected = client.connection.connect({ ...CONFIG, enableAutoReconnect: false })
        await clock.advance(1_000)
        await connected
        supabase.realtime.cut()
        await clock.advance(60_000)
        expect(states.at(-1)).toBe('failed realtime_unavailable')
        expect(clock.pending).toBe(0)
        const again = client.connection.reconnect()
        await clock.advance(1_000)
        await again
        expect(states.at(-1)).toBe('connected reconnect')
    })

    it('channels that another part of the app takes down after a sleep end it as a loss does', async () => {
        const { client, clock, states, lifecycle, dispose } = bench({ over })
        const connected = client.connection.connect({ ...CONFIG, enableAutoReconnect: false })
        client.hold({ ...CONFIG, sessionId: '33333333-3333-4333-8333-333333333333' })
        await clock.advance(1_000)
        await connected
        lifecycle.emit('background')
        lifecycle.emit('active')
        await clock.advance(1_000)
        expect(states.at(-1)).toBe('failed realtime_unavailable')
        await dispose()
    })

    it('a sleep without a word is followed by a heartbeat, which ends it where the place is lost', async () => {
        const { client, clock, states, stream, supabase } = bench({ over })
        const connected = client.connection.connect({ ...CONFIG, enableAutoReconnect: false })
        await clock.advance(1_000)
        await connected
        clock.sleep(300_000)
        await clock.advance(1_000)
        expect(supabase.count('heartbeat')).toBe(1)
        expect(states.at(-1)).toBe('connected connect')
        stream.isJoined = false
        clock.sleep(300_000)
        await clock.advance(1_000)
        expect(states.at(-1)).toBe('failed not_viewer')
        expect(clock.pending).toBe(0)
    })
})
