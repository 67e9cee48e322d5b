/** Black pictures: a camera that is off, or a fault that is mended. */

import { describe, expect, it } from 'vitest'
import { NATIVE, viewerBench } from './viewer_bench.ts'

describe('a black picture', () => {
    it('is a camera that is off where it stays black when it is received anew', async () => {
        const of = viewerBench()
        await of.play()
        of.host.black()
        await of.clock.advance(2_500)
        expect(of.snapshot).toMatchObject({ phase: 'camera_off', audioEnabled: true })
        await of.clock.advance(20_000)
        expect(of.snapshot).toMatchObject({ phase: 'camera_off', recovering: null })
        expect(of.recoveries.map(({ step }) => step)).toEqual(['reattach_view', 'resubscribe'])
        // Looked into again, less and less: a fault may hide behind a camera that is off.
        await of.clock.advance(600_000)
        expect(of.recoveries.length).toBeGreaterThanOrEqual(6)
        expect(of.recoveries.length).toBeLessThanOrEqual(12)
        expect(of.phases.slice(of.phases.indexOf('camera_off'))).toEqual(['camera_off'])
        of.host.black(false)
        await of.clock.advance(600)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it.each(['reattach_view', 'resubscribe'] as const)('that is a fault is mended by %s', async (rung) => {
        const of = viewerBench()
        await of.play()
        of.engines.faults.black = rung
        await of.clock.advance(10_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', recovering: null })
        expect(of.recoveries.at(-1)).toMatchObject({ step: rung, cause: 'black' })
        await of.end()
    })

    it('is no trouble where the host has said that the camera is off', async () => {
        const of = viewerBench()
        await of.play()
        of.host.setCamera(false)
        expect(of.snapshot).toMatchObject({ phase: 'camera_off', videoEnabled: false })
        await of.clock.advance(120_000)
        expect(of.recoveries).toEqual([])
        of.host.setCamera(true)
        expect(of.snapshot.phase).toBe('first_frame')
        await of.clock.advance(300)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('is no trouble either where pictures are not told one by one', async () => {
        const of = viewerBench({ engine: { capabilities: { eachFrame: false } } })
        await of.play()
        of.host.setCamera(false)
        of.host.black()
        await of.clock.advance(60_000)
        expect(of.recoveries).toEqual([])
        expect(of.snapshot.phase).toBe('camera_off')
        await of.end()
    })

    it('is looked into at once after it was bright', async () => {
        const of = viewerBench()
        await of.play()
        of.host.black()
        await of.clock.advance(15_000)
        of.host.black(false)
        await of.clock.advance(2_000)
        const tried = of.recoveries.length
        of.engines.faults.black = 'resubscribe'
        await of.clock.advance(12_000)
        expect(of.recoveries.length).toBeGreaterThan(tried)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('of a host whose app is in the background is a camera that is off', async () => {
        const of = viewerBench({ engine: NATIVE })
        await of.play()
        of.host.tell('stopped', 'background')
        await of.clock.advance(30_000)
        expect(of.snapshot.phase).toBe('camera_off')
        expect(of.recoveries).toEqual([])
        of.host.tell('decoding', 'unmuted')
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that is mended as frames stop is frozen in time', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.faults.black = 'reattach_view'
        await of.clock.advance(1_200)
        of.host.freeze()
        await of.clock.advance(2_200)
        expect(of.recoveries.map(({ cause }) => cause)).toContain('black')
        expect(of.snapshot.phase).not.toBe('playing')
        await of.end()
    })

    it('that flickers is not called black', async () => {
        const of = viewerBench()
        await of.play()
        for (let at = 0; at < 10; at++) {
            of.host.black(at % 2 === 0)
            await of.clock.advance(1_000)
        }
        expect(of.phases).not.toContain('camera_off')
        await of.end()
    })
})
