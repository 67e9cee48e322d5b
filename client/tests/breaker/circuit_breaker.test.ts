/** The circuit breaker: five failures of the service open it, and one call is let through half a minute later. */

import { describe, expect, it } from 'vitest'
import { StreamError, StreamServiceCircuitBreaker } from '../../src/index.ts'
import { FakeClock } from '../fakes/fake_clock.ts'

const DOWN = new StreamError('upstream_unavailable', 'down', { status: 503 })
const REFUSED = new StreamError('banned', 'banned', { status: 403 })

function make() {
    const clock = new FakeClock()
    const breaker = new StreamServiceCircuitBreaker({ clock })
    const fail = (error: Error = DOWN) => breaker.execute(() => Promise.reject(error)).catch((thrown: Error) => thrown)
    return { clock, breaker, fail, succeed: () => breaker.execute(async () => 'done') }
}

describe('a breaker', () => {
    it('opens after five failures in a row and refuses at once, saying how long', async () => {
        const { breaker, fail, clock } = make()
        for (let failures = 1; failures <= 4; failures++) await fail()
        expect(breaker).toMatchObject({ state: 'CLOSED', failureCount: 4, failureThreshold: 5, timeout: 30_000 })
        await fail()
        expect(breaker.state).toBe('OPEN')
        expect(breaker.lastFailureTime).toEqual(new Date(clock.now()))
        await clock.advance(10_000)
        let calls = 0
        const refused = breaker.execute(async () => ++calls)
        await expect(refused).rejects.toMatchObject({ code: 'circuit_open', retryAfterMs: 20_000 })
        expect(calls).toBe(0)
    })

    it('counts only failures in a row', async () => {
        const { breaker, fail, succeed } = make()
        for (let round = 0; round < 3; round++) {
            for (let failures = 1; failures <= 4; failures++) await fail()
            await succeed()
        }
        expect(breaker).toMatchObject({ state: 'CLOSED', failureCount: 0 })
    })

    it('takes a refusal for an answer, and an aborted call for nothing', async () => {
        const { breaker, fail } = make()
        for (let failures = 1; failures <= 4; failures++) await fail()
        await fail(new StreamError('aborted', 'aborted'))
        expect(breaker.failureCount).toBe(4)
        await fail(REFUSED)
        expect(breaker.failureCount).toBe(0)
    })

    it('lets one call through half open, and closes when it succeeds', async () => {
        const { breaker, fail, clock } = make()
        for (let failures = 1; failures <= 5; failures++) await fail()
        await clock.advance(30_000)
        expect(breaker.state).toBe('HALF_OPEN')
        let finish: (value: string) => void = () => {}
        const trying = breaker.execute(() => new Promise<string>((resolve) => (finish = resolve)))
        await expect(breaker.execute(async () => 'too many')).rejects.toMatchObject({ code: 'circuit_open' })
        finish('done')
        expect(await trying).toBe('done')
        expect(breaker).toMatchObject({ state: 'CLOSED', failureCount: 0 })
    })

    it('opens again for as long when that call fails', async () => {
        const { breaker, fail, clock } = make()
        for (let failures = 1; failures <= 5; failures++) await fail()
        await clock.advance(30_000)
        await fail()
        expect(breaker.state).toBe('OPEN')
        await clock.advance(29_999)
        expect(breaker.state).toBe('OPEN')
        await clock.advance(1)
        expect(breaker.state).toBe('HALF_OPEN')
    })

    it('stays open no longer when the device’s clock is set back', async () => {
        const { breaker, fail, clock, succeed } = make()
        for (let failures = 1; failures <= 5; failures++) await fail()
        expect(breaker.state).toBe('OPEN')
        clock.sleep(-3_600_000)
        expect(breaker.state).toBe('HALF_OPEN')
        expect(await succeed()).toBe('done')
        expect(breaker.state).toBe('CLOSED')
    })

    it('obeys trip and reset, whatever was under way', async () => {
        const { breaker, succeed } = make()
        let finish: (value: string) => void = () => {}
        const before = breaker.execute(() => new Promise<string>((resolve) => (finish = resolve)))
        breaker.trip()
        finish('late')
        await before
        expect(breaker.state).toBe('OPEN')
        breaker.reset()
        expect(breaker.state).toBe('CLOSED')
        expect(await succeed()).toBe('done')
    })
})
