/** Property 8: authenticated joins of the right channels, updates within 100 ms, and errors that back off. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_RETRY_POLICY } from '../../src/index.ts'
import { ADA, Scenario, SESSION } from '../fake_server/scenario.ts'

const TOPICS = [`stream:${SESSION}`, `chat:${SESSION}`, `user:${ADA}`, `viewers:${SESSION}`]
/** A refused join is answered after a second, and no attempt follows another sooner than half of one. */
const LEAST_BETWEEN_MS = 1_500
/** The most that backing off waits, with the time that an attempt itself takes. */
const MOST_BETWEEN_MS = 20_000 + 3_000
/** The first attempt is made within 5 s; its join follows the token and the place, a call each. */
const FIRST_WITHIN_MS = 5_000 + 500
/** A connection that lived shorter was none, from the second in a row on: the next attempt backs off as after a failed one. */
const STABLE_AFTER_MS = 10_000 + 1_000

const anyLoss = fc.record({
    kind: fc.constantFrom('cut' as const, 'close channels' as const, 'expire tokens' as const, 'restart' as const),
    /** How long Realtime refuses joins afterwards. */
    awayMs: fc.constantFrom(0, 0, 700, 4_000, 15_000, 60_000),
    afterMs: fc.integer({ min: 100, max: 40_000 }),
})

test('Feature: streaming-realtime-fixes, Property 8: joins are authenticated, updates fast, errors back off', async () => {
    const property = fc.asyncProperty(fc.integer(), fc.array(anyLoss, { maxLength: 6 }), async (seed, losses) => {
        const scenario = new Scenario(seed)
        const { server, log, chat, connection } = scenario
        connection.setRetryPolicy({ ...DEFAULT_RETRY_POLICY, maxAttempts: 1_000 })
        await scenario.connect()
        const critical = () => server.joins.filter(({ topic }) => topic === TOPICS[1])
        let shortLived = 0
        for (const { kind, awayMs, afterMs } of losses) {
            shortLived = afterMs < STABLE_AFTER_MS ? shortLived + 1 : 0
            const withinMs = shortLived > 1 ? MOST_BETWEEN_MS : FIRST_WITHIN_MS
            await server.clock.advance(afterMs)
            const lostAt = server.clock.now()
            const before = critical().length
            server.isRealtimeDown = awayMs > 0
            await scenario.take(kind === 'restart' ? { do: 'restart', ms: awayMs } : { do: kind })
            server.clock.after(awayMs, () => {
                server.isRealtimeDown = false
            })
            await server.clock.until('the next join', () => critical().length > before || server.isDown, withinMs)
            expect(server.clock.now() - lostAt).toBeLessThanOrEqual(withinMs)
            await server.clock.until(
                'connected again',
                () => connection.state === 'connected' && chat.snapshot.status === 'live',
                awayMs + MOST_BETWEEN_MS
            )
        }
        await server.clock.advance(1_000)

        // Each join carried a token of the user that was still good.
        for (const { tokenExpiresAt, at } of server.joins) expect(tokenExpiresAt).toBeGreaterThan(at)
        // The channels of the stream and of the user, each once.
        expect([...server.listeners].map(({ topic }) => topic).sort()).toEqual([...TOPICS].sort())
        // Attempts that failed were followed by others no sooner, and no later, than backing off allows.
        const attempts = critical()
        for (const [index, { at, refused }] of attempts.entries()) {
            const next = attempts[index + 1]
            if (refused === null || next === undefined) continue
            expect(next.at - at).toBeGreaterThanOrEqual(LEAST_BETWEEN_MS)
            expect(next.at - at).toBeLessThanOrEqual(MOST_BETWEEN_MS)
        }
        // Updates arrive with the latency of the network alone.
        const toldAt: number[] = []
        chat.on('message', () => toldAt.push(server.clock.now()))
        for (let no = 0; no < 3; no++) {
            const written = server.clock.now()
            scenario.say()
            server.flush(SESSION)
            await server.clock.advance(100)
            expect(toldAt).toHaveLength(no + 1)
            expect((toldAt.at(-1) ?? Number.POSITIVE_INFINITY) - written).toBeLessThanOrEqual(100)
        }
        expect(chat.cursor().afterSeq).toBe(log.headSeq)
    })
    await fc.assert(property, { seed: 20260102, numRuns: 100 })
}, 120_000)
