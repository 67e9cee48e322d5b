/** Devices that sleep and wake: one way back, and no trouble that is none. */

import { describe, expect, it } from 'vitest'
import { viewerBench } from './viewer_bench.ts'

describe('a buyer who sleeps', () => {
    it.each([5_000, 600_000, 2_400_000])('for %d ms plays on when it wakes', async (ms) => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('background')
        expect(of.snapshot.phase).toBe('hidden')
        of.clock.sleep(ms)
        of.lifecycle.emit('active')
        await of.clock.advance(5_000)
        expect(of.snapshot.phase).toBe('playing')
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it('past the end of the token gets another and joins anew', async () => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('background')
        of.clock.sleep(2 * 3_600_000)
        of.lifecycle.emit('active')
        await of.clock.advance(5_000)
        expect(of.recoveries.map(({ step }) => step)).toEqual(['new_token', 'rejoin'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('while nobody says so is not frozen for it', async () => {
        const of = viewerBench()
        await of.play()
        of.clock.sleep(1_800_000)
        await of.clock.advance(5_000)
        expect(of.recoveries).toEqual([])
        expect(of.phases).not.toContain('frozen')
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('gets its native view back, and a page keeps its own', async () => {
        for (const [viewVisibility, more] of [
            [false, 2],
            [true, 0],
        ] as const) {
            const of = viewerBench({ engine: { capabilities: { viewVisibility } } })
            await of.play()
            const before = of.engines.current.count('setView')
            of.lifecycle.emit('background')
            of.clock.sleep(60_000)
            of.lifecycle.emit('active')
            await of.clock.advance(1_000)
            expect(of.engines.current.count('setView') - before).toBe(more)
            await of.end()
        }
    })

    it('is not watched meanwhile', async () => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('background')
        of.host.freeze()
        await of.clock.advance(600_000)
        expect(of.recoveries).toEqual([])
        expect(of.snapshot.phase).toBe('hidden')
        of.lifecycle.emit('active')
        // The picture of before is none.
        expect(of.snapshot.phase).toBe('first_frame')
        await of.clock.advance(5_000)
        expect(of.recoveries[0]).toMatchObject({ step: 'reattach_view', cause: 'no_first_frame' })
        await of.end()
    })

    it('does not wait for the end of a pause', async () => {
        const of = viewerBench()
        of.engines.faults.joins = Array.from({ length: 6 }, () => 'join_failed' as const)
        // Three joins of 50 ms have failed; the next round begins half a second later at the earliest.
        await of.play(400)
        expect(of.engines.faults.joins).toHaveLength(3)
        const tried = of.recoveries.length
        of.lifecycle.emit('background')
        of.lifecycle.emit('active')
        expect(of.recoveries.length).toBe(tried + 1)
        await of.clock.advance(60_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})
