/** Typed events: each subscription ends by its own function, and no listener harms another. */

import { afterEach, describe, expect, it, vi } from 'vitest'
import { Emitter } from '../../src/emitter/emitter.ts'

afterEach(() => vi.unstubAllGlobals())

describe('a listener', () => {
    it('that is added twice is called twice, and each ends by itself', () => {
        const emitter = new Emitter<{ tick: number }>()
        const seen: number[] = []
        const listener = (tick: number) => seen.push(tick)
        const end = emitter.on('tick', listener)
        emitter.on('tick', listener)
        emitter.emit('tick', 1)
        end()
        end()
        emitter.emit('tick', 2)
        expect(seen).toEqual([1, 1, 2])
    })

    it('that throws is reported, and the others are called', () => {
        const reported: unknown[] = []
        vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
        const emitter = new Emitter<{ tick: number }>()
        const seen: number[] = []
        emitter.on('tick', () => {
            throw new Error('of the app')
        })
        emitter.on('tick', (tick) => seen.push(tick))
        emitter.emit('tick', 1)
        expect(seen).toEqual([1])
        expect(reported).toEqual([new Error('of the app')])
    })

    it('that is added while an event is told hears the next', () => {
        const emitter = new Emitter<{ tick: number }>()
        const seen: number[] = []
        emitter.on('tick', () => emitter.on('tick', (tick) => seen.push(tick)))
        emitter.emit('tick', 1)
        expect(seen).toEqual([])
        emitter.clear()
        emitter.emit('tick', 2)
        expect(seen).toEqual([])
    })
})
