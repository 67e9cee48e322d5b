/** The connection manager of the seed: its methods, its policy, its quality. */

import type { SupabaseClient } from '@supabase/supabase-js'
import { describe, expect, it } from 'vitest'
import {
    type ConnectionManager,
    DEFAULT_RETRY_POLICY,
    type ErrorHandler,
    StreamError,
    type StreamService,
    type SupabaseLike,
} from '../../src/index.ts'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'

describe('the seed’s interfaces', () => {
    it('are what the client has', () => {
        const { client } = bench()
        const manager: ConnectionManager = client.connection
        const service: StreamService = client.stream
        const handler: ErrorHandler = client.errors
        expect([manager, service, handler].every((part) => part !== undefined)).toBe(true)
        const any = (supabase: SupabaseClient): SupabaseLike => supabase
        expect(any).toBeTypeOf('function')
    })

    it('take a whole configuration of the seed', async () => {
        const { client, clock } = bench()
        const connected = client.connection.connect({
            ...CONFIG,
            token: 'a token',
            enableAutoReconnect: true,
            maxRetryAttempts: 2,
            retryDelay: 800,
        })
        await clock.advance(1_000)
        await connected
        expect(client.connection.getConnectionState()).toBe('connected')
    })

    it('say where they stand before anything is connected', async () => {
        const { client } = bench()
        expect(client.connection.getConnectionState()).toBe('disconnected')
        expect(client.connection.getConnectionReason()).toBe('new')
        expect(client.connection.getConnectionQuality()).toMatchObject({ latency: 0, packetLoss: 0, bandwidth: 0 })
        await expect(client.connection.reconnect()).rejects.toMatchObject({ code: 'invalid_argument' })
        await client.connection.disconnect()
        await client.connection.handleConnectionError(new StreamError('unreachable', 'lost'))
    })
})

describe('quality', () => {
    it('is the median of five heartbeats, and poor while one is missed', async () => {
        const { connect, client, supabase, clock, dispose } = bench()
        await connect()
        for (const ms of [100, 900, 100, 100, 200]) {
            supabase.callMs = ms
            await clock.advance(15_000)
        }
        expect(client.connection.getConnectionQuality()).toMatchObject({ latency: 100, quality: 'excellent' })
        supabase.isReachable = false
        await clock.advance(16_000)
        expect(client.connection.getConnectionQuality().quality).toBe('poor')
        supabase.isReachable = true
        await clock.advance(20_000)
        expect(client.connection.getConnectionQuality().quality).not.toBe('poor')
        await dispose()
    })

    it('counts what the media engine tells', async () => {
        const { connect, client, dispose } = bench()
        await connect()
        const told: string[] = []
        client.connection.on('quality', ({ quality }) => told.push(quality))
        for (const loss of [0.005, 0.02, 0.05, 0.2]) client.connection.setMediaQuality(loss, 1_500)
        expect(told).toEqual(['excellent', 'good', 'fair', 'poor'])
        expect(client.connection.getConnectionQuality()).toMatchObject({ packetLoss: 0.2, bandwidth: 1_500 })
        await dispose()
    })
})

describe('a retry function', () => {
    it('decides when, and may give up', async () => {
        const { client, clock, supabase, errors } = bench()
        supabase.isReachable = false
        const asked: number[] = []
        client.connection.setRetryPolicy(({ attempt }) => {
            asked.push(attempt)
            return attempt < 3 ? 7_000 : null
        })
        const connected = client.connection.connect(CONFIG)
        connected.catch(() => {})
        await clock.advance(60_000)
        expect(asked).toEqual([1, 2, 3])
        expect(errors).toEqual(['reconnect_exhausted'])
        expect(supabase.calls.map(({ at }) => at - (supabase.calls[0]?.at ?? 0))).toEqual([0, 7_010, 14_020])
    })

    it('cannot delay the first attempt after a loss', async () => {
        const { connect, client, clock, supabase, dispose } = bench()
        client.connection.setRetryPolicy({ ...DEFAULT_RETRY_POLICY, baseDelay: 60_000, maxDelay: 60_000 })
        await connect()
        const tokens = supabase.realtime.count('setAuth')
        supabase.realtime.cut()
        await clock.advance(5_000)
        expect(supabase.realtime.count('setAuth')).toBe(tokens + 1)
        await dispose()
    })
})

describe('an error that the app met', () => {
    it('is repaired when it is a loss, and ends the connection when it does not pass', async () => {
        const { connect, client, clock, supabase, states, dispose } = bench()
        await connect()
        await client.connection.handleConnectionError(new StreamError('unreachable', 'the video is gone'))
        await clock.advance(5_000)
        expect(supabase.count('sync')).toBe(2)
        expect(states.at(-1)).toMatch(/^connected/)
        await client.connection.handleConnectionError(new StreamError('banned', 'banned', { status: 403 }))
        expect(states.at(-1)).toBe('failed banned')
        await dispose()
    })
})

describe('another stream', () => {
    it('takes the place of the one before', async () => {
        const { connect, client, clock, supabase, dispose } = bench()
        await connect()
        const other = '33333333-3333-4333-8333-333333333333'
        const connected = client.connection.connect({ ...CONFIG, sessionId: other })
        await clock.advance(2_000)
        await connected
        expect(supabase.realtime.find(`chat:${SESSION}`)).toBeUndefined()
        expect(supabase.realtime.find(`chat:${other}`)).toBeDefined()
        expect(supabase.count('remove_viewer')).toBe(1)
        await dispose()
    })

    describe('while the one before takes its time to leave', () => {
        const B = { ...CONFIG, sessionId: '33333333-3333-4333-8333-333333333333' }
        const C = { ...CONFIG, sessionId: '44444444-4444-4444-8444-444444444444' }
        const connectedToA = async () => {
            const of = bench()
            await of.connect()
            return of
        }

        it('is not connected to once a disconnect has been called', async () => {
            const { client, clock, states } = await connectedToA()
            const connected = expect(client.connection.connect(B)).rejects.toMatchObject({ code: 'aborted' })
            const left = client.connection.disconnect()
            await clock.advance(20_000)
            await Promise.all([connected, left])
            expect(client.connection.connection).toBeNull()
            expect(states.at(-1)).toBe('disconnected disconnect')
            expect(clock.pending).toBe(0)
        })

        it('gives way to a third, also where another view holds it', async () => {
            const { client, clock, dispose } = await connectedToA()
            client.hold(B)
            const overtaken = expect(client.connection.connect(B)).rejects.toMatchObject({ code: 'aborted' })
            const connected = client.connection.connect(C)
            await clock.advance(20_000)
            await Promise.all([overtaken, connected])
            expect(client.connection.connection?.config.sessionId).toBe(C.sessionId)
            await dispose()
        })

        it('is given up with its signal', async () => {
            const { client, clock, supabase } = await connectedToA()
            const controller = new AbortController()
            const connecting = client.connection.connect(B, { signal: controller.signal })
            const refused = expect(connecting).rejects.toMatchObject({ code: 'aborted' })
            controller.abort()
            await clock.advance(20_000)
            await refused
            expect(client.connection.connection).toBeNull()
            expect(supabase.realtime.channels).toEqual([])
        })

        it('is connected to at once', async () => {
            const { client, clock, states, dispose } = await connectedToA()
            const connected = client.connection.connect(B)
            expect(states.slice(-2)).toEqual(['disconnected disconnect', 'connecting connect'])
            await clock.advance(1_000)
            await connected
            await dispose()
        })
    })

    it('is refused by a connect that a disconnect overtakes', async () => {
        const { client, clock } = bench()
        const connected = client.connection.connect(CONFIG)
        connected.catch(() => {})
        await clock.advance(15)
        const left = client.connection.disconnect()
        await clock.advance(1_000)
        await left
        await expect(connected).rejects.toMatchObject({ code: 'aborted' })
        expect(clock.pending).toBe(0)
    })

    it('is given up with the signal of its connect, which leaves nothing', async () => {
        const { client, clock, supabase } = bench()
        const controller = new AbortController()
        const connected = client.connection.connect(CONFIG, { signal: controller.signal })
        connected.catch(() => {})
        await clock.advance(15)
        controller.abort()
        await clock.advance(1_000)
        await expect(connected).rejects.toMatchObject({ code: 'aborted' })
        const late = client.connection.connect(CONFIG, { signal: controller.signal })
        await expect(late).rejects.toMatchObject({ code: 'aborted' })
        expect(client.connection.getConnectionState()).toBe('disconnected')
        expect(supabase.realtime.channels).toEqual([])
        expect(clock.pending).toBe(0)
    })

    it('stays when the signal comes after it is connected', async () => {
        const { client, clock, dispose } = bench()
        const controller = new AbortController()
        const connected = client.connection.connect(CONFIG, { signal: controller.signal })
        await clock.advance(1_000)
        await connected
        controller.abort()
        expect(client.connection.getConnectionState()).toBe('connected')
        await dispose()
    })
})
