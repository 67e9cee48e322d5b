/** The rungs of recovery: their order, their pauses and their end. */

import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../src/testing.ts'
import { MOST_ROUNDS, pauseMs, RecoveryLadder, rungAfter } from '../../src/viewer/recovery_ladder.ts'
import type { RecoveryCause } from '../../src/viewer/viewer_types.ts'
import { FakeRandom } from '../fakes/fake_random.ts'

function ladder() {
    const clock = new FakeClock()
    const steps: string[] = []
    const exhausted: string[] = []
    const tried = new RecoveryLadder({
        clock,
        random: new FakeRandom(),
        onStep: ({ step, cause, attempt }) => steps.push(`${attempt} ${step} ${cause}`),
        onChange: () => {},
        onExhausted: (cause) => exhausted.push(cause),
    })
    /** Carries the step out, to no avail. */
    const fail = (cause: RecoveryCause) => {
        tried.performed(tried.attempt, false)
        tried.trouble(cause)
    }
    return { clock, steps, exhausted, ladder: tried, fail }
}

describe('the ladder', () => {
    it('is climbed rung by rung', async () => {
        const { clock, ladder: tried, fail, steps } = ladder()
        tried.trouble('frozen')
        for (let rung = 0; rung < 4; rung++) {
            fail('frozen')
            await clock.advance(3_000)
        }
        expect(steps).toEqual([
            '1 reattach_view frozen',
            '2 resubscribe frozen',
            '3 new_token frozen',
            '4 rejoin frozen',
            '5 new_engine frozen',
        ])
    })

    it('begins where it helps', () => {
        for (const [cause, step] of [
            ['token_refused', 'new_token'],
            ['join_timeout', 'rejoin'],
            ['join_failed', 'rejoin'],
            ['connection_failed', 'rejoin'],
            ['engine_error', 'new_engine'],
            ['black', 'reattach_view'],
            ['no_first_frame', 'reattach_view'],
        ] as const) {
            const { ladder: tried } = ladder()
            tried.trouble(cause)
            expect(tried.step, cause).toBe(step)
        }
    })

    it('ignores the same trouble while a rung is being tried, and jumps for a worse one', () => {
        const { ladder: tried, steps } = ladder()
        tried.trouble('frozen')
        tried.trouble('frozen')
        tried.trouble('no_first_frame')
        expect(steps).toHaveLength(1)
        tried.trouble('token_refused')
        expect(steps).toEqual(['1 reattach_view frozen', '2 new_token token_refused'])
        // The first rung is carried out late: the one of now is not.
        tried.performed(1, false)
        expect(tried.isDone).toBe(false)
    })

    it('goes on at once from a rung that does not help alone', () => {
        const { ladder: tried, steps } = ladder()
        tried.trouble('token_refused')
        tried.performed(1, true)
        expect(steps).toEqual(['1 new_token token_refused', '2 rejoin token_refused'])
    })

    it('asks for tokens at another moment than other viewers of the same host', async () => {
        const { clock, ladder: tried, fail, steps } = ladder()
        tried.trouble('frozen')
        fail('frozen')
        fail('frozen')
        expect(tried.isResting).toBe(true)
        expect(steps).toHaveLength(2)
        await clock.advance(3_000)
        expect(steps.at(-1)).toBe('3 new_token frozen')
    })

    it('rests between rounds, longer each time, and ends once', async () => {
        const { clock, ladder: tried, exhausted } = ladder()
        const pauses: number[] = []
        tried.trouble('join_failed')
        while (exhausted.length === 0) {
            tried.performed(tried.attempt, false)
            tried.trouble('join_failed')
            if (!tried.isResting) continue
            const from = clock.now()
            while (tried.isResting) await clock.advance(10)
            pauses.push(clock.now() - from)
        }
        expect(pauses).toHaveLength(MOST_ROUNDS - 1)
        pauses.forEach((pause, index) => {
            expect(pause).toBeGreaterThanOrEqual(500 * 2 ** index)
            expect(pause).toBeLessThanOrEqual(1_000 * 2 ** index + 10)
        })
        expect(exhausted).toEqual(['join_failed'])
        expect(tried.step).toBeNull()
        expect(clock.pending).toBe(0)
    })

    it('takes no trouble while it rests, and begins at once when it is hurried', () => {
        const { clock, ladder: tried, fail, steps } = ladder()
        tried.trouble('engine_error')
        fail('engine_error')
        expect(tried.isResting).toBe(true)
        tried.trouble('token_refused')
        expect(steps).toHaveLength(1)
        tried.hurry()
        expect(tried.isResting).toBe(false)
        expect(steps).toHaveLength(2)
        expect(clock.pending).toBe(0)
        tried.hurry()
        expect(steps).toHaveLength(2)
    })

    it('goes on after a pause with what the worst trouble in it needs', async () => {
        const { clock, ladder: tried, fail, steps } = ladder()
        tried.trouble('frozen')
        fail('frozen')
        fail('frozen')
        expect(tried.isResting).toBe(true)
        tried.trouble('connection_failed')
        tried.trouble('no_first_frame')
        await clock.advance(3_000)
        expect(steps.at(-1)).toBe('3 rejoin connection_failed')
    })

    it('begins anew after a picture that lasted', async () => {
        const { clock, ladder: tried, fail, steps } = ladder()
        tried.trouble('frozen')
        fail('frozen')
        tried.performed(tried.attempt, false)
        tried.mended()
        expect(tried.step).toBeNull()
        await clock.advance(10_000)
        tried.trouble('frozen')
        expect(steps.at(-1)).toBe('1 reattach_view frozen')
    })

    it('waits longer each time while pictures come and go, and never gives up', async () => {
        const { clock, ladder: tried, exhausted, steps } = ladder()
        for (let loop = 0; loop < 30; loop++) {
            tried.trouble('frozen')
            if (loop === 1) expect(tried.isResting).toBe(true)
            await clock.advance(loop === 0 ? 0 : 15_000)
            expect(tried.step).toBe('reattach_view')
            tried.performed(tried.attempt, false)
            tried.mended()
            await clock.advance(3_000)
        }
        expect(exhausted).toEqual([])
        expect(steps).toHaveLength(30)
    })

    it('goes on with the same trouble where nothing was owed in between', () => {
        const { ladder: tried, steps } = ladder()
        tried.trouble('connection_failed')
        tried.performed(1, false)
        tried.rest()
        expect(tried.step).toBeNull()
        tried.trouble('no_first_frame')
        expect(steps).toEqual(['1 rejoin connection_failed', '2 new_engine no_first_frame'])
    })

    it('forgets everything when it is stopped', () => {
        const { clock, ladder: tried, fail } = ladder()
        tried.trouble('engine_error')
        fail('engine_error')
        tried.stop()
        expect([tried.step, tried.isResting, clock.pending]).toEqual([null, false, 0])
        tried.performed(1, true)
        tried.mended()
        expect(tried.step).toBeNull()
    })
})

it('a pause is at least half of what it may be, and bounded', () => {
    expect(pauseMs(1, 0)).toBe(500)
    expect(pauseMs(2, 1)).toBe(2_000)
    expect(pauseMs(20, 1)).toBe(15_000)
})

it('the rung after one is never below the one that the cause needs', () => {
    expect(rungAfter('reattach_view', 'join_failed')).toBe('rejoin')
    expect(rungAfter('new_engine', 'frozen')).toBeNull()
})
