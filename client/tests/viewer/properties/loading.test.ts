/** Property 9 of the design: any viewer that loads comes up, names what it does, adapts, and keeps its view. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FakeJoinAnswer } from '../../../src/testing.ts'
import { firstLayer, nextLayer } from '../../../src/viewer/layers.ts'
import type { VideoQuality, ViewerPhase } from '../../../src/viewer.ts'
import { HOST, VIEW } from '../viewer_bench.ts'
import { eye } from './eye.ts'
import { HANGS_MS, RUNS } from './runs.ts'

const LOADING: ViewerPhase[] = ['token', 'joining', 'first_frame', 'reconnecting', 'host_away', 'hidden', 'playing']

/** Failures that pass. */
const JOINS: FakeJoinAnswer[] = ['ok', 'silence', 'join_failed', 'token_expired', 'token_invalid']

const load = fc.record({
    role: fc.constantFrom('seller' as const, 'buyer'),
    joins: fc.array(fc.constantFrom(...JOINS), { maxLength: 5 }),
    joinMs: fc.integer({ min: 0, max: 8_000 }),
    callMs: fc.integer({ min: 0, max: 3_000 }),
    quality: fc.constantFrom('low' as const, 'medium', 'high', 'auto'),
    capabilities: fc.record({
        eachFrame: fc.boolean(),
        pixels: fc.boolean(),
        layers: fc.boolean(),
        audioRoutes: fc.boolean(),
        viewVisibility: fc.boolean(),
    }),
    attachedAfterMs: fc.option(fc.integer({ min: 0, max: 9_000 }), { nil: null }),
    hostAfterMs: fc.integer({ min: 0, max: 9_000 }),
    marks: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 20 }),
    turns: fc.integer({ min: 0, max: 4 }),
    seed: fc.integer(),
})

const measured = (mark: number): VideoQuality => ({ uplink: mark, downlink: mark, packetLoss: 0, bandwidth: 500 })

describe('Feature: streaming-realtime-fixes, Property 9: Frontend Component Initialization and Adaptation', () => {
    it(
        'For any Stream_Viewer component load, the SDK is initialised, issues have states, quality adapts and rotations keep the picture',
        async () => {
            await fc.assert(
                fc.asyncProperty(load, async (of) => {
                    const { role, seed, joinMs, capabilities, quality } = of
                    const isSeller = role === 'seller'
                    const tried = eye({
                        role,
                        seed,
                        host: false,
                        view: of.attachedAfterMs === null,
                        engine: { joinMs, capabilities },
                        viewer: { quality },
                    })
                    const { viewer, engines, clock, supabase } = tried
                    supabase.callMs = of.callMs
                    engines.faults.joins = [...of.joins]
                    viewer.start()
                    if (isSeller) viewer.goLive().catch(() => {})
                    if (of.attachedAfterMs !== null) clock.after(of.attachedAfterMs, () => viewer.attach(VIEW))
                    let host = null as ReturnType<typeof engines.network.host> | null
                    if (!isSeller)
                        clock.after(of.hostAfterMs, () => {
                            host = engines.network.host(viewer.snapshot.sessionId, HOST)
                        })
                    await tried.watch(30_000)
                    await clock.advance(120_000)

                    // It comes up, with one join at a time, and each of its phases has a name that a screen knows.
                    expect(tried.snapshot).toMatchObject({
                        phase: isSeller ? 'publishing' : 'playing',
                        connectionState: 'connected',
                        error: null,
                        recovering: null,
                        streamQuality: quality,
                    })
                    const named = isSeller ? [...LOADING, 'idle', 'preview', 'publishing'] : LOADING
                    for (const phase of tried.phases) expect(named).toContain(phase)
                    expect(engines.engines.map(({ doubleJoins }) => doubleJoins)).toEqual(engines.engines.map(() => 0))
                    expect(tried.troubles).toEqual([])

                    // It adapts by itself, and only as the engine can.
                    const { current } = engines
                    let layers = firstLayer(quality)
                    for (const mark of of.marks) {
                        current.emit('quality', measured(mark))
                        layers = nextLayer(layers, quality, measured(mark))
                        await clock.advance(2_000)
                        if (!isSeller) expect(current.layer).toBe(capabilities.layers ? layers.layer : null)
                    }
                    if (isSeller) expect(current.count('setLayer')).toBe(0)

                    // A rotation is a size, never another view or subscription.
                    const calls = current.calls.filter((call) => /^(setView|subscribe|join)/.test(call)).length
                    for (let turn = 0; turn < of.turns; turn++) {
                        host?.rotate()
                        await tried.watch(400)
                        if (!isSeller) expect(tried.snapshot.size?.width).toBe(turn % 2 === 0 ? 1280 : 720)
                    }
                    expect(current.calls.filter((call) => /^(setView|subscribe|join)/.test(call))).toHaveLength(calls)
                    expect(tried.snapshot.phase).toBe(isSeller ? 'publishing' : 'playing')
                    await tried.end()
                    expect(clock.pending).toBe(0)
                }),
                RUNS
            )
        },
        HANGS_MS
    )
})
