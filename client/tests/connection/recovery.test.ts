/** Recovery of a connection: what brings it back, in which order, and with one sync. */

import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'

describe.each(['rpc', 'edge'] as const)('connecting over %s', (over) => {
    it('takes a token, the place, the channels, then syncs once', async () => {
        const { connect, supabase, states, client } = bench({ over })
        await connect()
        expect(supabase.realtime.log).toEqual([
            'setAuth',
            'call join_stream',
            `join stream:${SESSION}`,
            `join chat:${SESSION}`,
            'call sync',
            `join user:${USER}`,
            `join viewers:${SESSION}`,
        ])
        expect(states).toEqual(['connecting connect', 'connected connect'])
        expect(client.connection.connection?.store.snapshot).toMatchObject({
            state: 'active',
            hostUid: 101,
            viewerCount: 1,
        })
        expect(client.connection.connection?.token?.uid).toBe(7)
    })

    it('joins private channels with the token of setAuth', async () => {
        const { connect, supabase } = bench({ over })
        await connect()
        const chat = supabase.realtime.find(`chat:${SESSION}`)
        expect(chat?.joinedWith).toBe(supabase.realtime.token)
        expect(chat?.options.config).toEqual({ private: true, broadcast: { replication_ready: true } })
    })

    it('is the same for callers that connect twice', async () => {
        const { client, clock, supabase } = bench({ over })
        const both = Promise.all([client.connection.connect(CONFIG), client.connection.connect(CONFIG)])
        await clock.advance(1_000)
        await both
        expect(supabase.count('join_stream')).toBe(1)
    })
})

describe.each(['rpc', 'edge'] as const)('waking over %s', (over) => {
    it('makes everything anew with one sync, however many signals tell of it', async () => {
        const { connect, supabase, lifecycle, clock, states } = bench({ over })
        await connect()
        supabase.realtime.log.length = 0
        lifecycle.emit('background')
        lifecycle.emit('offline')
        clock.sleep(600_000)
        lifecycle.emit('active')
        lifecycle.emit('online')
        supabase.realtime.cut()
        await clock.advance(900)
        expect(supabase.realtime.log).toEqual([
            'disconnect',
            'setAuth',
            'call heartbeat',
            `join stream:${SESSION}`,
            `join chat:${SESSION}`,
            'call sync',
            `join user:${USER}`,
            `join viewers:${SESSION}`,
        ])
        expect(states).toEqual(['connecting connect', 'connected connect'])
    })
})

describe('a device that slept without a word', () => {
    it('is found by its timers, and takes the same way back once', async () => {
        const { connect, supabase, clock, client, dispose } = bench()
        await connect()
        supabase.realtime.log.length = 0
        clock.sleep(300_000)
        await clock.advance(1_000)
        expect(supabase.realtime.log.slice(0, 5)).toEqual([
            'disconnect',
            'setAuth',
            'call heartbeat',
            `join stream:${SESSION}`,
            `join chat:${SESSION}`,
        ])
        expect(supabase.realtime.count('call sync')).toBe(1)
        await clock.advance(14_000)
        expect(supabase.realtime.count('setAuth')).toBe(1)
        expect(client.connection.getConnectionState()).toBe('connected')
        await dispose()
    })

    it('is not supposed where the browser slows timers down', async () => {
        const { connect, supabase, clock, dispose } = bench()
        await connect()
        supabase.realtime.log.length = 0
        clock.sleep(60_000)
        await clock.advance(1_000)
        expect(supabase.realtime.count('setAuth')).toBe(0)
        expect(supabase.count('heartbeat')).toBe(1)
        await dispose()
    })
})

describe('a sync that hangs on a dead network', () => {
    it('does not hold up the one of the wake, and is not made again', async () => {
        const { connect, supabase, lifecycle, clock, client, dispose } = bench()
        await connect()
        supabase.callMs = 9_000
        client.connection.connection?.sync.request()
        client.connection.connection?.sync.request(5_000)
        await clock.advance(100)
        supabase.callMs = 10
        const syncs = supabase.count('sync')
        lifecycle.emit('background')
        lifecycle.emit('active')
        const restored: number[] = []
        const wokeAt = clock.now()
        client.connection.on('restored', () => restored.push(clock.now() - wokeAt))
        await clock.advance(8_000)
        expect(restored).toEqual([expect.any(Number)])
        expect(restored[0]).toBeLessThan(200)
        expect(supabase.count('sync')).toBe(syncs + 1)
        await dispose()
    })
})
