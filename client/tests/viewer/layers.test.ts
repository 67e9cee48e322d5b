/** The layer that is received, by quality and network. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstLayer, type LayerState, nextLayer } from '../../src/viewer/layers.ts'
import type { StreamQuality } from '../../src/viewer/viewer_types.ts'

const measured = (downlink: number, packetLoss = 0) => ({ uplink: 0, downlink, packetLoss, bandwidth: 1_000 })

function after(quality: StreamQuality, downlinks: number[], from: LayerState = firstLayer(quality)): LayerState {
    return downlinks.reduce((state, downlink) => nextLayer(state, quality, measured(downlink)), from)
}

const times = (count: number, mark: number): number[] => Array.from({ length: count }, () => mark)

describe('the layer', () => {
    it('of low and high is fixed', () => {
        const marks = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 30 })
        fc.assert(
            fc.property(marks, fc.constantFrom('low' as const, 'high' as const), (list, quality) => {
                expect(after(quality, list).layer).toBe(quality)
            }),
            { seed: 20_260_101 }
        )
    })

    it('of auto falls after two bad measurements, and returns after five times as good', () => {
        expect(after('auto', [4]).layer).toBe('high')
        const fallen = after('auto', [4, 5])
        expect(fallen.layer).toBe('low')
        expect(after('auto', times(9, 1), fallen).layer).toBe('low')
        expect(after('auto', times(10, 2), fallen).layer).toBe('high')
        expect(after('auto', [4, 2, 4, 2]).layer).toBe('high')
    })

    it('of auto returns later after each fall', () => {
        const once = after('auto', [4, 4])
        const twice = after('auto', [...times(10, 1), 4, 4], once)
        expect(after('auto', times(19, 1), twice).layer).toBe('low')
        expect(after('auto', times(20, 1), twice).layer).toBe('high')
        const often = Array.from({ length: 9 }).reduce<LayerState>(
            (state) => after('auto', [...times(40, 1), 4, 4], state),
            once
        )
        expect(after('auto', times(40, 1), often).layer).toBe('high')
    })

    it('of medium begins low, and is high on the best network alone', () => {
        expect(firstLayer('medium').layer).toBe('low')
        expect(after('medium', times(50, 2)).layer).toBe('low')
        const high = after('medium', times(5, 1))
        expect(high.layer).toBe('high')
        expect(after('medium', [3, 3], high).layer).toBe('low')
    })

    it('falls by loss too, and not by what is not known', () => {
        const lossy = [1, 2].reduce((state) => nextLayer(state, 'auto', measured(1, 0.2)), firstLayer('auto'))
        expect(lossy.layer).toBe('low')
        expect(after('auto', times(20, 0)).layer).toBe('high')
    })
})
