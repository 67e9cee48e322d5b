/** Property 7: whatever the network and the server do, the chat ends as the log is, in its order. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WINDOW, WINDOW_SLACK } from '../../src/chat/log.ts'
import { anyFaults, anyStep, anyTransport, Scenario } from '../fake_server/scenario.ts'

/** Everything that `message` events tell between two discontinuities follows each other; retention alone leaves holes. */
function expectUnbroken(scenario: Scenario): void {
    const seqs = scenario.told.map(({ seq }) => seq as number)
    for (const [index, seq] of seqs.entries()) {
        const before = seqs[index - 1]
        if (before === undefined) continue
        expect(seq, `after ${before}`).toBeGreaterThan(before)
        if (seq !== before + 1) expect(before).toBeLessThan(scenario.log.oldestSeq)
    }
}

function expectAsTheLog({ log, chat, sent }: Scenario): void {
    const { snapshot } = chat
    expect(snapshot.status).toBe('live')
    const shown = snapshot.messages.filter(({ seq }) => seq !== null)
    expect(shown.length).toBeLessThanOrEqual(WINDOW + WINDOW_SLACK)
    const first = shown[0]?.seq ?? log.headSeq + 1
    const stored = log.entries.filter(({ seq }) => seq >= first)
    const kept = shown.filter(({ seq }) => (seq ?? 0) >= log.oldestSeq)
    expect(kept.map(({ seq, id, content }) => ({ seq, id, content }))).toEqual(
        stored.map(({ seq, id, content }) => ({ seq, id, content }))
    )
    expect(kept.map(({ deletedAt }) => deletedAt !== null)).toEqual(stored.map((entry) => entry.deleted_at !== null))
    if (log.entries.length >= WINDOW) expect(kept.length).toBeGreaterThanOrEqual(Math.min(50, log.entries.length))
    expect(snapshot.pinnedSeq).toBe(log.pinnedSeq)
    const isPinKept = log.entries.some(({ seq }) => seq === log.pinnedSeq)
    if (isPinKept) expect(snapshot.pinned?.seq).toBe(log.pinnedSeq)
    const isMuted =
        log.sync('', null, null) &&
        log.restrictions.get(chat.userId)?.some(({ until }) => until === null || Date.parse(until) > log.now())
    expect(snapshot.restrictions.length > 0).toBe(isMuted === true)

    const unsent = new Map(snapshot.messages.filter(({ seq }) => seq === null).map((one) => [one.id, one]))
    // A place that was lost, or not yet taken, was waited for.
    for (const { status, error } of unsent.values()) {
        expect(status).toBe('failed')
        expect(['muted', 'send_expired']).toContain(error?.code)
    }
    for (const [id, content] of sent) {
        const entries = log.entries.filter((entry) => entry.id === id)
        expect(entries.length).toBeLessThanOrEqual(1)
        for (const entry of entries) expect(['', content]).toContain(entry.content)
        if (entries.length === 1) expect(unsent.has(id)).toBe(false)
        // Nothing that Ada said is gone without a trace.
        expect(log.everStored.has(id) || unsent.has(id), content).toBe(true)
    }
}

test('Feature: streaming-realtime-fixes, Property 7: the chat ends as the log, after everything', async () => {
    const property = fc.asyncProperty(
        fc.integer(),
        anyTransport,
        anyFaults,
        fc.array(anyStep, { minLength: 1, maxLength: 40 }),
        async (seed, transport, faults, steps) => {
            const scenario = new Scenario(seed, faults, transport)
            await scenario.server.clock.advance(2_000)
            for (const step of steps) {
                await scenario.take(step)
                expectUnbroken(scenario)
            }
            await scenario.heal()
            expectUnbroken(scenario)
            expectAsTheLog(scenario)
            scenario.release()
            await scenario.server.clock.advance(10_000)
            expect(scenario.server.clock.pending).toBe(0)
        }
    )
    await fc.assert(property, { seed: 20260102, numRuns: 100 })
}, 300_000)
