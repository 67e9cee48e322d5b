/** A buyer's viewer: from the mount to the picture, through the states of the stream, to its end. */

import { describe, expect, it } from 'vitest'
import { viewerBench } from './viewer_bench.ts'

describe('a buyer', () => {
    it('gets a picture', async () => {
        const of = viewerBench()
        await of.play()
        expect(of.phases).toEqual(['token', 'joining', 'first_frame', 'playing'])
        expect(of.snapshot.hostUid).toBe(101)
        await of.end()
        expect(of.clock.pending).toBe(0)
    })
})

describe('a seller', () => {
    it('goes live', async () => {
        const of = viewerBench({ role: 'seller' })
        await of.play()
        const live = of.viewer.goLive()
        await of.clock.advance(2_000)
        await live
        expect(of.phases).toEqual(['token', 'joining', 'publishing'])
        expect(of.stream.state).toBe('active')
        await of.end()
        expect(of.clock.pending).toBe(0)
    })
})
