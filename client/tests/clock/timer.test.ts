/** A timer has one plan at a time, and tells how late it was. */

import { expect, test } from 'vitest'
import { joined } from '../../src/clock/joined.ts'
import { oneAtATime } from '../../src/clock/one_at_a_time.ts'
import { Timer } from '../../src/clock/timer.ts'
import { FakeClock } from '../fakes/fake_clock.ts'

test('a later plan takes the place of the one before, and a sooner one alone where it is asked for', async () => {
    const clock = new FakeClock()
    const timer = new Timer(clock)
    const ran: string[] = []
    timer.set(100, () => ran.push('first'))
    timer.set(200, () => ran.push('second'))
    timer.setSooner(300, () => ran.push('later'))
    expect([timer.isSet, timer.dueAt - clock.now()]).toEqual([true, 200])
    timer.setSooner(50, () => ran.push('sooner'))
    await clock.advance(1_000)
    expect(ran).toEqual(['sooner'])
    expect([timer.isSet, clock.pending]).toEqual([false, 0])
})

test('a plan that is stopped is not carried out', async () => {
    const clock = new FakeClock()
    const timer = new Timer(clock)
    timer.set(100, () => {
        throw new Error('it was stopped')
    })
    timer.stop()
    await clock.advance(1_000)
    expect(timer.isSet).toBe(false)
})

test('what comes late is told how late it is', async () => {
    const clock = new FakeClock()
    const late: number[] = []
    new Timer(clock).set(100, (lateMs) => late.push(lateMs))
    clock.sleep(5_000)
    await clock.advance(0)
    expect(late[0]).toBeGreaterThanOrEqual(4_900)
})

test('work that runs once at a time is shared by those who ask meanwhile, and done anew for those who ask later', async () => {
    const ends: (() => void)[] = []
    const work = oneAtATime(() => new Promise<void>((resolve) => ends.push(resolve)))
    const [one, other] = [work(), work()]
    expect(one).toBe(other)
    ends[0]?.()
    await one
    expect(work()).not.toBe(one)
    expect(ends).toHaveLength(2)
})

test('two signals joined are aborted by either, with its reason, and let go of', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const both = joined(one.signal, other.signal)
    const free = joined(one.signal, other.signal)
    free.release()
    other.abort('why')
    expect([both.signal.aborted, both.signal.reason, free.signal.aborted]).toEqual([true, 'why', false])
    expect(joined(one.signal, other.signal).signal.aborted).toBe(true)
})
