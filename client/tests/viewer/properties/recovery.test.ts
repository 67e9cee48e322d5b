/** Property 10 of the design, for the video: whatever drops it, the way back begins in 5 seconds and restores everything. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VideoConnectionReason } from '../../../src/viewer.ts'
import { SESSION } from '../../fakes/fake_stream.ts'
import { HOST, VIEW } from '../viewer_bench.ts'
import { type Eye, eye } from './eye.ts'
import { HANGS_MS, RUNS } from './runs.ts'

type Drop =
    | { kind: 'failed'; reason: VideoConnectionReason }
    | { kind: 'interrupted' | 'offline' | 'server' | 'host_frozen' | 'host_gone'; ms: number }
    | { kind: 'asleep'; ms: number; isTold: boolean }
    | { kind: 'token_expired' | 'engine_broken' | 'lease_lost' }
    | { kind: 'takeover' }

const ms = fc.integer({ min: 100, max: 30_000 })
const drop: fc.Arbitrary<Drop> = fc.oneof(
    fc.record({
        kind: fc.constant('failed' as const),
        reason: fc.constantFrom<VideoConnectionReason>(
            'lost',
            'join_failed',
            'token_expired',
            'token_invalid',
            'left',
            'error'
        ),
    }),
    fc.record({
        kind: fc.constantFrom('interrupted' as const, 'offline', 'server', 'host_frozen', 'host_gone'),
        ms,
    }),
    fc.record({
        kind: fc.constant('asleep' as const),
        ms: fc.integer({ min: 1_000, max: 7_200_000 }),
        isTold: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom('token_expired' as const, 'engine_broken', 'lease_lost') }),
    fc.constant({ kind: 'takeover' as const })
)

/** Drops it, and brings back what only the world outside can. */
async function disturb(of: Eye, what: Drop): Promise<void> {
    const { engines, lifecycle, supabase, clock, stream } = of
    const { current, network } = engines
    const host = () => network.channel(SESSION).senders.get(of.snapshot.hostUid ?? 0)
    switch (what.kind) {
        case 'failed':
            return current.emit('connection', { state: 'failed', reason: what.reason })
        case 'interrupted':
            current.emit('connection', { state: 'reconnecting', reason: 'interrupted' })
            await of.watch(what.ms)
            return current.emit('connection', { state: 'connected', reason: 'rejoined' })
        case 'offline':
            lifecycle.emit('offline')
            supabase.isReachable = false
            supabase.realtime.cut()
            current.emit('connection', { state: 'reconnecting', reason: 'lost' })
            await of.watch(what.ms)
            supabase.isReachable = true
            lifecycle.emit('online')
            return current.emit('connection', { state: 'connected', reason: 'rejoined' })
        case 'server':
            supabase.isReachable = false
            supabase.realtime.cut()
            await of.watch(what.ms)
            supabase.isReachable = true
            return
        case 'host_frozen':
            host()?.freeze()
            await of.watch(what.ms)
            return host()?.freeze(false)
        case 'host_gone': {
            const uid = of.snapshot.hostUid ?? HOST
            host()?.leave()
            await of.watch(what.ms)
            network.host(SESSION, uid)
            return
        }
        case 'asleep':
            if (what.isTold) lifecycle.emit('background')
            clock.sleep(what.ms)
            supabase.realtime.cut()
            if (what.isTold) lifecycle.emit('active')
            return
        case 'token_expired':
            return current.emit('tokenExpired', undefined)
        case 'engine_broken':
            engines.faults.undrawn = 'new_engine'
            return
        case 'lease_lost':
            stream.isJoined = false
            return supabase.realtime.close(`chat:${SESSION}`)
        case 'takeover':
            network.host(SESSION, 100 + stream.generation + 1)
            of.say('active', stream.generation + 1)
    }
}

/** What shows that somebody tries: rungs, calls of the engine, attempts of the connection. */
const tries = ({ engines, recoveries, supabase }: Eye): number =>
    recoveries.length +
    supabase.realtime.count('setAuth') +
    engines.engines.reduce((sum, { calls }) => sum + calls.length, 0)

/** What an SDK mends by itself, as it mends interruptions, is told and waited for. */
const begun = (of: Eye, { kind }: Drop): number => (kind === 'interrupted' ? of.phases.length : tries(of))

/** A picture of each 400 ms that is missed by the watchdog of 2 s. */
const NOTICED_MS = 2_600

/** A host who stood still for a moment has dropped nothing, nor has a fault of engines to come. */
const isDrop = (what: Drop): boolean =>
    what.kind !== 'engine_broken' && (what.kind !== 'host_frozen' || what.ms > NOTICED_MS)

describe('Feature: streaming-realtime-fixes, Property 10: Connection Recovery and State Restoration', () => {
    it(
        'For any network connection drop, reconnection begins within 5 seconds and restores the previous stream state',
        async () => {
            const drops = fc.array(fc.tuple(drop, fc.integer({ min: 0, max: 15_000 })), { minLength: 1, maxLength: 5 })
            const chosen = fc.record({
                quality: fc.constantFrom('low' as const, 'high'),
                isMuted: fc.boolean(),
                objectFit: fc.constantFrom('contain' as const, 'cover'),
                audioRoute: fc.constantFrom('speaker' as const, 'default'),
            })
            await fc.assert(
                fc.asyncProperty(
                    drops,
                    chosen,
                    fc.integer(),
                    async (list, { quality, isMuted, objectFit, audioRoute }, seed) => {
                        const of = eye({ seed, viewer: { quality } })
                        await of.play(1_500)
                        of.viewer.setMuted(isMuted)
                        of.viewer.attach(VIEW, { objectFit })
                        await of.viewer.setAudioRoute(audioRoute)
                        for (const [what, pauseMs] of list) {
                            const { phase, connectionState } = of.snapshot
                            const wasWell = phase === 'playing' && connectionState === 'connected'
                            const before = begun(of, what)
                            await disturb(of, what)
                            await of.watch(5_000)
                            if (wasWell && isDrop(what)) expect(begun(of, what), what.kind).toBeGreaterThan(before)
                            await of.watch(pauseMs)
                        }
                        await of.clock.advance(60_000)
                        await of.watch(2_000)
                        const { current, network } = of.engines
                        const hostUid = 100 + of.stream.generation
                        expect(network.channel(SESSION).senders.has(hostUid)).toBe(true)
                        expect(of.snapshot).toMatchObject({
                            phase: 'playing',
                            connectionState: 'connected',
                            streamState: 'active',
                            streamQuality: quality,
                            layer: quality,
                            hostUid,
                            audioEnabled: !isMuted,
                            recovering: null,
                            error: null,
                        })
                        expect(current.volume).toBe(isMuted ? 0 : 1)
                        expect(current.audioRoute).toBe(audioRoute)
                        expect([...current.screen.views]).toEqual([
                            [hostUid, { view: VIEW, options: { objectFit, mirror: false } }],
                        ])
                        expect(of.troubles).toEqual([])
                        await of.end()
                        expect(of.clock.pending).toBe(0)
                    }
                ),
                RUNS
            )
        },
        HANGS_MS
    )
})
