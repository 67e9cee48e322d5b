/** The seat of a viewer's engine: the time of a call begins once the engine is free. */

import { expect, test } from 'vitest'
import { EngineSeat } from '../../src/viewer/engine_seat.ts'
import type { VideoEngine } from '../../src/viewer/video_engine.ts'
import { FakeClock } from '../fakes/fake_clock.ts'

function seatOf(clock: FakeClock) {
    const calls: string[] = []
    let free: () => void = () => {}
    const isFree = new Promise<void>((resolve) => {
        free = resolve
    })
    const engine = {
        on: () => () => {},
        whenFree: () => isFree,
        join: async () => void calls.push('join'),
        leave: async () => void calls.push('leave'),
        startPreview: async () => void calls.push('startPreview'),
    } as unknown as VideoEngine
    return {
        seat: new EngineSeat(
            () => engine,
            clock,
            () => {}
        ),
        calls,
        free,
    }
}

const JOIN = { channelId: 'channel', token: 'token', uid: 1, role: 'audience' } as const

test('a join and a preview wait for an engine that another viewer holds, beyond their own time', async () => {
    const clock = new FakeClock()
    const { seat, calls, free } = seatOf(clock)
    const { signal } = new AbortController()
    const joined = seat.join(JOIN, signal)
    const previewed = seat.ask(signal, (engine) => engine.startPreview())
    await clock.advance(600_000)
    expect(calls).toEqual([])
    free()
    await Promise.all([joined, previewed])
    expect(calls).toEqual(['join', 'startPreview'])
})
