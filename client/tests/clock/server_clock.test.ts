/** The server's clock: the answer with the smallest round trip decides, and its error is at most half of that. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ServerClock } from '../../src/clock/server_clock.ts'
import { FakeClock } from '../fakes/fake_clock.ts'

const iso = (ms: number) => new Date(ms).toISOString()

test('whatever the ways there and back take, the estimate is off by half of the best round trip at most', async () => {
    const anyAnswer = fc.record({ there: fc.nat(2_000), back: fc.nat(2_000), pause: fc.nat(20_000) })
    const property = fc.asyncProperty(
        fc.integer({ min: -86_400_000, max: 86_400_000 }),
        fc.array(anyAnswer, { minLength: 1, maxLength: 20 }),
        async (offsetMs, answers) => {
            const clock = new FakeClock()
            const server = new ServerClock(clock)
            let best = Number.POSITIVE_INFINITY
            for (const { there, back, pause } of answers) {
                const sentAt = clock.now()
                await clock.advance(there)
                const serverTime = iso(clock.now() + offsetMs)
                await clock.advance(back)
                server.note(serverTime, sentAt, clock.now())
                best = Math.min(best, there + back)
                expect(Math.abs(server.now() - (clock.now() + offsetMs))).toBeLessThanOrEqual(best / 2)
                expect(server.uncertaintyMs).toBe(best / 2)
                await clock.advance(pause)
            }
        }
    )
    await fc.assert(property, { seed: 20260102, numRuns: 100 })
})

test('before the first answer it is the clock of the device', () => {
    const clock = new FakeClock()
    const server = new ServerClock(clock)
    expect(server.now()).toBe(clock.now())
    expect(server.uncertaintyMs).toBeNull()
    server.note('no time', clock.now(), clock.now())
    server.note(iso(0), clock.now() + 1, clock.now())
    expect(server.uncertaintyMs).toBeNull()
})

test('an answer of ten minutes ago counts no more, and a better one of before comes back for nobody', async () => {
    const clock = new FakeClock()
    const server = new ServerClock(clock)
    const answer = async (roundTripMs: number) => {
        const sentAt = clock.now()
        await clock.advance(roundTripMs)
        server.note(iso(clock.now()), sentAt, clock.now())
    }
    await answer(10)
    await answer(100)
    await answer(50)
    expect(server.uncertaintyMs).toBe(5)
    await clock.advance(600_000)
    await answer(80)
    expect(server.uncertaintyMs).toBe(40)
})

test('a clock of the device that somebody sets is followed with the next answer', async () => {
    for (const jumpMs of [3_600_000, -3_600_000]) {
        const clock = new FakeClock()
        const server = new ServerClock(clock)
        const offset = { ms: 0 }
        const answer = async (roundTripMs: number) => {
            const sentAt = clock.now() + offset.ms
            await clock.advance(roundTripMs)
            server.note(iso(clock.now()), sentAt, clock.now() + offset.ms)
        }
        await answer(10)
        offset.ms = jumpMs
        await answer(200)
        expect(Math.abs(server.offsetMs + jumpMs)).toBeLessThanOrEqual(100)
    }
})
