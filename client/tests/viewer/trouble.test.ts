/** Pictures that do not come, stand still, are black or are not shown: each ends playing or in its named phase. */

import { describe, expect, it } from 'vitest'
import type { FakeEngine } from '../../src/testing.ts'
import type { RecoveryStep } from '../../src/viewer.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { HOST, NATIVE, type ViewerBench, viewerBench } from './viewer_bench.ts'

const RUNGS: RecoveryStep[] = ['reattach_view', 'resubscribe', 'new_token', 'rejoin', 'new_engine']

describe('a picture that does not come', () => {
    it.each(RUNGS)('is brought by %s, and by no higher rung', async (rung) => {
        const of = viewerBench()
        of.engines.faults.undrawn = rung
        await of.play(5_000)
        expect(of.snapshot.phase).toBe('first_frame')
        await of.clock.advance(60_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', recovering: null, error: null })
        const tried = of.recoveries.map(({ step }) => step)
        expect(tried).toEqual(RUNGS.slice(0, RUNGS.indexOf(rung) + 1))
        expect(of.recoveries.map(({ attempt }) => attempt)).toEqual(tried.map((_, index) => index + 1))
        expect(of.engines.current.doubleJoins).toBe(0)
        await of.end()
    })

    it('is missed after 5 seconds', async () => {
        const of = viewerBench()
        of.engines.faults.undrawn = 'reattach_view'
        await of.play(1_000)
        const joinedAt = of.clock.now()
        while (of.recoveries.length === 0) await of.clock.advance(50)
        const sinceJoinMs = of.clock.now() - joinedAt + 1_000
        expect(sinceJoinMs).toBeGreaterThanOrEqual(5_000)
        expect(sinceJoinMs).toBeLessThanOrEqual(5_300)
        expect(of.recoveries[0]).toEqual({ step: 'reattach_view', cause: 'no_first_frame', attempt: 1 })
        await of.end()
    })

    it('is brought on a native engine too', async () => {
        const of = viewerBench({ engine: NATIVE })
        of.engines.faults.undrawn = 'resubscribe'
        await of.play(30_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})

describe('an engine that throws where it should not', () => {
    const broken = (method: 'setVolume' | 'setView' | 'brightness' | 'isViewVisible') => {
        const of: ViewerBench = viewerBench({
            viewer: {
                engine: () => {
                    const engine = of.engines() as FakeEngine
                    const fails = () => {
                        throw new Error('broken')
                    }
                    if (of.engines.engines.length === 1) Object.assign(engine, { [method]: fails })
                    return engine
                },
            },
        })
        return of
    }

    it('by setVolume is replaced', async () => {
        const of = broken('setVolume')
        await of.play(60_000)
        expect(of.engines.engines).toHaveLength(2)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('by setView shows nothing, which has a name', async () => {
        const of = broken('setView')
        await of.play(60_000)
        expect(of.snapshot.phase).toBe('hidden')
        await of.end()
    })

    it.each(['brightness', 'isViewVisible'] as const)('by %s is asked in vain', async (method) => {
        const of = broken(method)
        await of.play(20_000)
        expect(of.engines.engines).toHaveLength(1)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})

describe('a picture that stands still', () => {
    it('is frozen after 2 seconds, and plays on by itself', async () => {
        const of = viewerBench()
        await of.play()
        of.host.freeze()
        await of.clock.advance(1_700)
        expect(of.snapshot.phase).toBe('playing')
        await of.clock.advance(500)
        expect(of.snapshot).toMatchObject({ phase: 'frozen', hostQuality: 'poor' })
        of.host.freeze(false)
        await of.clock.advance(300)
        expect(of.snapshot).toMatchObject({ phase: 'playing', recovering: null })
        await of.end()
    })

    it.each(RUNGS)('is brought back by %s', async (rung) => {
        const of = viewerBench()
        await of.play()
        of.engines.faults.undrawn = rung
        await of.clock.advance(60_000)
        expect(of.snapshot.phase).toBe('playing')
        expect(of.recoveries.at(-1)).toMatchObject({ step: rung })
        await of.end()
    })

    it('is told by the SDK where frames are not told one by one', async () => {
        const of = viewerBench({ engine: NATIVE })
        await of.play()
        expect(of.snapshot.phase).toBe('playing')
        await of.clock.advance(60_000)
        expect(of.recoveries).toEqual([])
        of.host.tell('frozen', 'congestion')
        await of.clock.advance(1_900)
        expect(of.snapshot.phase).toBe('playing')
        await of.clock.advance(200)
        expect(of.snapshot.phase).toBe('frozen')
        of.host.tell('decoding', 'recovered')
        expect(of.snapshot).toMatchObject({ phase: 'playing', recovering: null })
        await of.end()
    })

    it('is not kept alive by the pictures of others', async () => {
        const of = viewerBench()
        await of.play()
        of.host.freeze()
        for (let at = 0; at < 5; at++) {
            of.engines.current.emit('frame', { uid: 999 })
            of.engines.current.emit('size', { uid: 999, width: 1, height: 1 })
            await of.clock.advance(500)
        }
        expect(of.snapshot).toMatchObject({ phase: 'frozen', size: { width: 720, height: 1280 } })
        await of.end()
    })

    it('is received anew where decoding has failed', async () => {
        const of = viewerBench({ engine: NATIVE })
        await of.play()
        of.host.tell('failed', 'codec')
        await of.clock.advance(10_000)
        expect(of.recoveries.slice(0, 2).map(({ step }) => step)).toEqual(['reattach_view', 'resubscribe'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('is sound alone while the network allows no more, and nothing is tried', async () => {
        const of = viewerBench()
        await of.play()
        of.host.freeze()
        of.host.tell('stopped', 'fallback')
        await of.clock.advance(30_000)
        expect(of.snapshot).toMatchObject({ phase: 'frozen', audioEnabled: true })
        expect(of.recoveries).toEqual([])
        of.host.freeze(false)
        of.host.tell('decoding', 'recovered')
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('of a host who leaves is no trouble', async () => {
        const of = viewerBench()
        await of.play()
        of.host.freeze()
        await of.clock.advance(2_200)
        of.host.leave()
        await of.clock.advance(60_000)
        expect(of.snapshot).toMatchObject({ phase: 'host_away', recovering: null })
        const tried = of.recoveries.length
        of.engines.network.host(SESSION, HOST)
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        expect(of.recoveries).toHaveLength(tried)
        await of.end()
    })
})

describe('a view', () => {
    it('that has no size is hidden, and nothing is climbed for it', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.faults.isHidden = true
        await of.clock.advance(600)
        expect(of.snapshot.phase).toBe('hidden')
        of.host.freeze()
        await of.clock.advance(60_000)
        expect(of.recoveries).toEqual([])
        of.host.freeze(false)
        of.engines.faults.isHidden = false
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that has no size from the beginning is hidden, not black', async () => {
        const of = viewerBench()
        of.engines.faults.isHidden = true
        await of.play(20_000)
        expect(of.snapshot.phase).toBe('hidden')
        expect(of.recoveries).toEqual([])
        await of.end()
    })
})
