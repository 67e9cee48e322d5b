/** Properties 10 and 11 of the whole client: what was shown is shown again, and a client that gives up stays whole. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NO_FAULTS } from '../fake_server/fake_server.ts'
import { anyStep, anyTransport, Scenario, SESSION } from '../fake_server/scenario.ts'

const steps = fc.array(
    anyStep.filter((step) => !['sleep', 'restart', 'fail over', 'retain'].includes(step.do)),
    { maxLength: 12 }
)

test('Feature: streaming-realtime-fixes, Property 10: one wake, one sync, and everything as it was', async () => {
    const sleeps = fc.array(fc.record({ steps, ms: fc.integer({ min: 0, max: 3_600_000 }) }), {
        minLength: 1,
        maxLength: 4,
    })
    // Longer than a wake is watched.
    const anyPollMs = fc.constantFrom(null, 20_000)
    const anyInput = [fc.integer(), anyTransport, anyPollMs, sleeps] as const
    const property = fc.asyncProperty(...anyInput, async (seed, transport, pollMs, sleeps) => {
        const scenario = new Scenario(seed, NO_FAULTS, transport)
        const { server, ada, log, chat, connection } = scenario
        log.pollMs = pollMs
        await scenario.connect()
        scenario.say()
        server.flush(SESSION)
        await server.clock.advance(5_000)
        for (const { steps, ms } of sleeps) {
            ada.fallAsleep()
            server.cut()
            for (const step of steps) if (step.do !== 'wait' && step.do !== 'ada says') await scenario.take(step)
            server.flush(SESSION)
            server.clock.sleep(ms)
            const [calls, wokenAt] = [server.calls.length, server.clock.now()]
            ada.wakeUp()
            await server.clock.until('caught up', () => chat.cursor().afterSeq === log.headSeq, 5_000)
            await server.clock.until('connected', () => connection.state === 'connected', 5_000)
            expect(server.clock.now() - wokenAt).toBeLessThanOrEqual(5_000)
            await server.clock.advance(4_000)
            // One run of sync, whose pages are all there was to call but the place's heartbeat or join.
            const made = server.calls.slice(calls)
            const names = made.map(({ name }) => name)
            expect(made.filter(({ name, hasMore }) => name === 'sync' && !hasMore)).toHaveLength(1)
            expect(
                names.filter((name) => name !== 'sync' && !name.startsWith('get_message')).length
            ).toBeLessThanOrEqual(2)
            // State and chat come before what can wait.
            const joined = server.joins.filter(({ at }) => at >= wokenAt).map(({ topic }) => topic.split(':')[0])
            expect(joined.slice(0, 2).sort()).toEqual(['chat', 'stream'])
            expect(chat.snapshot).toMatchObject({ status: 'live', recovered: true, discontinuity: null })
        }
    })
    await fc.assert(property, { seed: 20260102, numRuns: 100 })
}, 120_000)

test('Feature: streaming-realtime-fixes, Property 11: giving up is told once, leaves nothing running, and can be tried again', async () => {
    const property = fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        async (seed, attempts, isRealtimeAlone) => {
            const scenario = new Scenario(seed)
            const { server, chat, connection, log } = scenario
            connection.setRetryPolicy({ maxAttempts: attempts, baseDelay: 500, maxDelay: 20_000, backoffMultiplier: 2 })
            const errors: string[] = []
            connection.on('error', ({ code }) => errors.push(code))
            await scenario.connect()
            await server.clock.advance(2_000)
            server.isDown = !isRealtimeAlone
            server.isRealtimeDown = true
            server.cut()
            await server.clock.until('failed', () => connection.state === 'failed', 400_000)
            expect(errors).toEqual(['reconnect_exhausted'])
            expect(chat.snapshot).toMatchObject({ status: 'failed', error: { code: 'reconnect_exhausted' } })
            await server.clock.advance(120_000)
            expect([errors.length, server.clock.pending, server.listeners.size]).toEqual([1, 0, 0])
            // What was shown stays, and what the user writes now is not lost.
            expect(chat.snapshot.messages.length).toBe(1)
            const { stored } = chat.send('still here')
            scenario.say()
            server.isDown = false
            server.isRealtimeDown = false
            connection.open('reconnect')
            await scenario.connect()
            await server.clock.advance(60_000)
            expect(await stored).toMatchObject({ status: 'sent' })
            server.flush(SESSION)
            await server.clock.advance(1_000)
            expect(chat.snapshot).toMatchObject({ status: 'live', error: null, lastSeq: log.headSeq })
            expect(errors).toHaveLength(1)
        }
    )
    await fc.assert(property, { seed: 20260102, numRuns: 100 })
}, 120_000)
