/** Joins that fail: what is tried, and how it ends. */

import { describe, expect, it } from 'vitest'
import type { FakeEngine } from '../../src/testing.ts'
import { steps, type ViewerBench, viewerBench } from './viewer_bench.ts'

describe('a join', () => {
    it('that never settles is left after 10 seconds, and tried again', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        await of.play(9_900)
        expect(of.snapshot.phase).toBe('joining')
        expect(of.engines.current.count('leave')).toBe(0)
        await of.clock.advance(1_000)
        expect(of.engines.current.count('leave')).toBeGreaterThan(0)
        await of.clock.advance(1_000)
        expect(steps(of)).toEqual(['rejoin join_timeout'])
        expect(of.snapshot.phase).toBe('playing')
        expect(of.engines.current.doubleJoins).toBe(0)
        await of.end()
    })

    it('that is called off is left at once, not when the next one begins', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        await of.play(1_000)
        of.supabase.callMs = 3_000
        of.engines.current.emit('connection', { state: 'failed', reason: 'token_invalid' })
        await of.clock.advance(100)
        expect(of.snapshot.recovering).toBe('new_token')
        expect(of.engines.current.count('leave')).toBe(1)
        await of.clock.advance(6_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('whose token is refused gets another one', async () => {
        const of = viewerBench()
        const refused = new Set<string>()
        of.engines.network.judge = (token) => {
            if (refused.size === 0) refused.add(token)
            return refused.has(token) ? 'token_invalid' : 'ok'
        }
        await of.play()
        expect(steps(of)).toEqual(['new_token token_refused', 'rejoin token_refused'])
        expect(of.snapshot.phase).toBe('playing')
        expect(of.supabase.count('refresh_token')).toBe(1)
        await of.end()
    })

    it('whose token is refused without another word of the engine gets another one too', async () => {
        const of: ViewerBench = viewerBench({
            viewer: {
                engine: () => {
                    const engine = of.engines() as FakeEngine
                    const { join } = engine
                    engine.join = async () => {
                        engine.join = join
                        throw Object.assign(new Error('refused'), { reason: 'token_expired' })
                    }
                    return engine
                },
            },
        })
        await of.play()
        expect(steps(of)).toEqual(['new_token token_refused', 'rejoin token_refused'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('hands over the token that came while it was under way', async () => {
        const of = viewerBench({ engine: { joinMs: 5_000 } })
        await of.play(1_000)
        of.stream.heartbeatToken = { ...of.stream.token(), token: 'fresh' }
        of.lifecycle.emit('background')
        of.lifecycle.emit('active')
        await of.clock.advance(10_000)
        expect(of.engines.current.calls.filter((call) => call.startsWith('renewToken'))).toEqual(['renewToken fresh'])
        expect(of.engines.current.count('join')).toBe(1)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that fails is tried by the same engine, then by another', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['join_failed', 'join_failed']
        await of.play(5_000)
        expect(steps(of)).toEqual(['rejoin join_failed', 'new_engine join_failed'])
        expect(of.engines.engines).toHaveLength(2)
        expect(of.engines.engines[0]?.isDisposed).toBe(true)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that always fails ends in a named phase with no timer, and begins again by retry', async () => {
        const of = viewerBench()
        of.engines.faults.joins = Array.from({ length: 100 }, () => 'join_failed' as const)
        await of.play(120_000)
        expect(of.snapshot).toMatchObject({ phase: 'failed', recovering: null, videoEnabled: false })
        expect(of.snapshot.error).toMatchObject({ code: 'video_unavailable', recoverable: true })
        expect(of.troubles).toEqual(['video_unavailable'])
        const { length } = of.engines.faults.joins
        await of.clock.advance(600_000)
        expect(of.engines.faults.joins).toHaveLength(length)
        expect(of.engines.engines.every(({ isDisposed }) => isDisposed)).toBe(true)
        of.engines.faults.joins = []
        of.viewer.retry()
        await of.clock.advance(2_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', error: null })
        expect(of.troubles).toHaveLength(1)
        await of.end()
    })

    it.each(['a loss', 'a wake'])('that always failed is tried again after %s, once all is caught up', async (what) => {
        const of = viewerBench()
        of.engines.faults.joins = Array.from({ length: 100 }, () => 'join_failed' as const)
        await of.play(120_000)
        expect(of.snapshot).toMatchObject({ phase: 'failed', connectionState: 'connected' })
        of.engines.faults.joins = []
        if (what === 'a loss') of.supabase.realtime.cut()
        else for (const event of ['background', 'active'] as const) of.lifecycle.emit(event)
        await of.clock.advance(10_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', error: null })
        await of.end()
    })

    it('of a viewer that was taken over is not tried again because the connection is restored', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('connection', { state: 'failed', reason: 'taken_over' })
        expect(of.snapshot.phase).toBe('taken_over')
        of.supabase.realtime.cut()
        await of.clock.advance(10_000)
        expect(of.snapshot).toMatchObject({ phase: 'taken_over', connectionState: 'connected' })
        await of.end()
    })

    it('is not tried without a network, and not counted', async () => {
        const of = viewerBench()
        of.lifecycle.emit('offline')
        of.engines.faults.joins = []
        await of.play(120_000)
        expect(of.engines.engines.length === 0 || of.engines.current.count('join') === 0).toBe(true)
        of.lifecycle.emit('online')
        await of.clock.advance(10_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('under way when the network goes is not counted', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        await of.play(1_000)
        of.lifecycle.emit('offline')
        await of.clock.advance(300_000)
        expect(of.recoveries).toEqual([])
        expect(of.snapshot.phase).not.toBe('failed')
        of.lifecycle.emit('online')
        await of.clock.advance(10_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it.each([
        ['banned', 'failed', 'banned'],
        ['taken_over', 'taken_over', 'superseded'],
    ] as const)('that is %s is final', async (answer, phase, code) => {
        const of = viewerBench()
        of.engines.faults.joins = [answer]
        await of.play(60_000)
        expect(of.snapshot).toMatchObject({ phase, error: { code } })
        expect(of.troubles).toEqual([code])
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14])(
        'that is called off %d turns after it has succeeded is made again by a retry',
        async (turns) => {
            let isTaken = true
            const of: ViewerBench = viewerBench({
                viewer: {
                    engine: () => {
                        const engine = of.engines() as FakeEngine
                        const join = engine.join.bind(engine)
                        engine.join = async (place) => {
                            const joined = join(place)
                            void joined.then(async () => {
                                for (let turn = 0; turn < turns; turn++) await null
                                if (isTaken) engine.emit('connection', { state: 'failed', reason: 'taken_over' })
                                isTaken = false
                            })
                            return joined
                        }
                        return engine
                    },
                },
            })
            await of.play()
            expect(of.snapshot.phase).toBe('taken_over')
            of.viewer.retry()
            await of.clock.advance(3_000)
            expect(of.snapshot.phase).toBe('playing')
            await of.end()
        }
    )

    it('survives an engine that cannot leave, and one that cannot be disposed of', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        of.engines.faults.calls.set('leave', 'silence')
        await of.play(30_000)
        expect(of.engines.engines.length).toBeGreaterThan(1)
        expect(of.snapshot.phase).toBe('playing')
        of.engines.faults.calls.clear()
        await of.end()
    })

    it('survives an engine that cannot be made', async () => {
        let failures = 2
        const of: ViewerBench = viewerBench({
            viewer: {
                engine: () => {
                    if (failures-- > 0) throw new Error('not linked')
                    return of.engines()
                },
            },
        })
        await of.play(10_000)
        expect(steps(of)).toEqual(['rejoin join_failed', 'new_engine join_failed'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})
