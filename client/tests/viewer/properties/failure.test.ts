/** Property 11 of the design, for the video: attempts that all fail end once, in a named phase, and begin again by hand. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FakeJoinAnswer } from '../../../src/testing.ts'
import { MOST_ROUNDS } from '../../../src/viewer/recovery_ladder.ts'
import { type Eye, eye } from './eye.ts'
import { HANGS_MS, RUNS } from './runs.ts'

/** What fails, for good until it is healed. */
type Failure = FakeJoinAnswer | 'frozen' | 'engine' | 'calls'

const FAILURES: Failure[] = ['silence', 'join_failed', 'token_expired', 'token_invalid', 'frozen', 'engine', 'calls']

/** The eye listens to each engine. */
const EYES = 1

/** The rungs of a round. */
const RUNGS = 5

function fail(of: Eye, failure: Failure): void {
    const { faults } = of.engines
    if (failure === 'frozen') return of.host.freeze()
    // The engine that is there cannot join any more, and no other can be made.
    if (failure === 'engine') of.engine.isBroken = true
    if (failure === 'calls') for (const name of ['subscribe', 'join']) faults.calls.set(name, 'reject')
    else faults.joins = Array.from({ length: 200 }, () => (failure === 'engine' ? 'join_failed' : failure))
}

function heal(of: Eye): void {
    of.host.freeze(false)
    of.engine.isBroken = false
    of.engines.faults.calls.clear()
    of.engines.faults.joins = []
}

const calls = ({ engines }: Eye): number => engines.engines.reduce((sum, engine) => sum + engine.calls.length, 0)

describe('Feature: streaming-realtime-fixes, Property 11: Connection Failure Handling', () => {
    it(
        'For any series of failed reconnection attempts, users are notified, can retry by hand, and the system stays stable',
        async () => {
            const series = fc.array(fc.constantFrom(...FAILURES), { minLength: 1, maxLength: 3 })
            await fc.assert(
                fc.asyncProperty(series, fc.boolean(), fc.integer(), async (failures, isFirst, seed) => {
                    const of = eye({ seed })
                    if (!isFirst) await of.play(1_500)
                    let told = 0
                    for (const failure of failures) {
                        const before = of.recoveries.length
                        fail(of, failure)
                        of.viewer.start()
                        if (!isFirst || told > 0)
                            of.engines.current.emit('connection', { state: 'failed', reason: 'lost' })
                        await of.watch(20_000)
                        await of.clock.advance(400_000)
                        const attempts = of.recoveries.slice(before)
                        expect(attempts.length).toBeGreaterThan(0)
                        expect(attempts.length).toBeLessThanOrEqual(MOST_ROUNDS * RUNGS)
                        expect(of.snapshot).toMatchObject({
                            phase: 'failed',
                            recovering: null,
                            videoEnabled: false,
                            error: { code: 'video_unavailable', recoverable: true },
                        })
                        expect(of.troubles).toHaveLength(++told)
                        // Nothing more is tried, and nothing is held.
                        const quiet = calls(of)
                        await of.clock.advance(600_000)
                        expect(calls(of)).toBe(quiet)
                        expect(
                            of.engines.engines.every(({ isDisposed, listeners }) => isDisposed && listeners === EYES)
                        ).toBe(true)

                        heal(of)
                        of.viewer.retry()
                        of.viewer.retry()
                        await of.watch(15_000)
                        expect(of.snapshot).toMatchObject({ phase: 'playing', error: null })
                        expect(of.troubles).toHaveLength(told)
                    }
                    expect(of.engines.engines.map(({ doubleJoins }) => doubleJoins)).toEqual(
                        of.engines.engines.map(() => 0)
                    )
                    await of.end()
                    expect(of.clock.pending).toBe(0)
                }),
                RUNS
            )
        },
        HANGS_MS
    )
})
