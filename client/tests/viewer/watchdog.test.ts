/** The watchdog for pictures, to the millisecond. */

import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../src/testing.ts'
import { Watchdog } from '../../src/viewer/watchdog.ts'

function watched() {
    const clock = new FakeClock()
    const missed: number[] = []
    const begunAt = clock.now()
    return { clock, missed, watchdog: new Watchdog(clock, () => missed.push(clock.now() - begunAt)) }
}

describe('a watchdog', () => {
    it('tells when a sign is late, and again after as long', async () => {
        const { clock, missed, watchdog } = watched()
        watchdog.expect(2_000)
        await clock.advance(1_999)
        expect(missed).toEqual([])
        await clock.advance(4_000)
        expect(missed).toEqual([2_000, 4_000])
    })

    it('counts from the newest sign, with one timer for all', async () => {
        const { clock, missed, watchdog } = watched()
        watchdog.expect(2_000)
        for (let at = 0; at < 10; at++) {
            await clock.advance(500)
            watchdog.seen()
            expect(clock.pending).toBe(1)
        }
        await clock.advance(1_999)
        expect(missed).toEqual([])
        await clock.advance(1)
        expect(missed).toEqual([7_000])
    })

    it('is not begun anew by the same limit, and is by another', async () => {
        const { clock, missed, watchdog } = watched()
        watchdog.expect(5_000)
        await clock.advance(4_000)
        watchdog.expect(5_000)
        await clock.advance(1_000)
        expect(missed).toEqual([5_000])
        watchdog.expect(2_000)
        await clock.advance(2_000)
        expect(missed).toEqual([5_000, 7_000])
    })

    it('gives the whole time again after a sleep of the device', async () => {
        const { clock, missed, watchdog } = watched()
        watchdog.expect(2_000)
        clock.sleep(3_600_000)
        await clock.advance(1_999)
        expect(missed).toEqual([])
        await clock.advance(1)
        expect(missed).toEqual([3_602_000])
    })

    it('leaves no timer', async () => {
        const { clock, missed, watchdog } = watched()
        watchdog.expect(2_000)
        watchdog.expect(null)
        expect(clock.pending).toBe(0)
        watchdog.expect(2_000)
        watchdog.restart()
        watchdog.stop()
        expect(clock.pending).toBe(0)
        watchdog.seen()
        await clock.advance(10_000)
        expect(missed).toEqual([])
    })
})
