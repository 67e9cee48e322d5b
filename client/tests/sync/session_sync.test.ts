/** How long `sync` waits after a failure, whatever asks for it meanwhile, and which answer is the newest. */

import { describe, expect, it } from 'vitest'
import { ServerClock } from '../../src/clock/server_clock.ts'
import type { SyncResult } from '../../src/contract/wire.ts'
import { StreamError } from '../../src/error/stream_error.ts'
import { SessionSync } from '../../src/sync/session_sync.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { FakeClock } from '../fakes/fake_clock.ts'
import { FakeRandom } from '../fakes/fake_random.ts'

function make() {
    const clock = new FakeClock()
    const calls: number[] = []
    const begun = clock.now()
    let answer = (): Promise<unknown> => Promise.reject(refusal(30_000))
    const call = () => {
        calls.push(clock.now() - begun)
        return answer()
    }
    const transport = { kind: 'rpc', call, poll: call } as unknown as Transport
    const rest = { transport, clock, random: new FakeRandom(1), serverClock: new ServerClock(clock) }
    const sync = new SessionSync('s', rest, () => {})
    return {
        clock,
        calls,
        sync,
        answers: (next: typeof answer) => {
            answer = next
        },
        /** Frames behind a gap, ten a second. */
        async frames(ms: number) {
            for (let passed = 0; passed < ms; passed += 100) {
                sync.request()
                await clock.advance(100)
            }
        },
    }
}

function refusal(retryAfterMs: number | null): StreamError {
    return new StreamError('upstream_unavailable', 'down', { status: 503, retryAfterMs })
}

describe('a sync that was refused', () => {
    it('is not repeated before the time that the server named', async () => {
        const { calls, frames } = make()
        await frames(29_900)
        expect(calls).toEqual([0])
        await frames(22_000)
        expect(calls).toHaveLength(2)
    })

    it('is repeated ever more rarely where the server named none', async () => {
        const { calls, answers, frames } = make()
        answers(() => Promise.reject(refusal(null)))
        await frames(60_000)
        expect(calls.length).toBeGreaterThan(3)
        expect(calls.length).toBeLessThan(20)
        for (const [index, at] of calls.slice(1).entries()) expect(at - (calls[index] ?? 0)).toBeGreaterThanOrEqual(500)
    })

    it('makes wishes wait whoever made it: an attempt, a poll, or the run that they joined', async () => {
        const attempt = make()
        await attempt.sync.run().catch(() => {})
        await attempt.frames(29_900)
        expect(attempt.calls).toHaveLength(1)
        const poll = make()
        await poll.sync.poll(false).catch(() => {})
        await poll.frames(29_900)
        expect(poll.calls).toHaveLength(1)
        const joined = make()
        let fail: () => void = () => {}
        joined.answers(() => new Promise((_, reject) => (fail = () => reject(refusal(30_000)))))
        joined.sync.run().catch(() => {})
        await joined.frames(100)
        fail()
        await joined.frames(29_900)
        expect(joined.calls).toHaveLength(1)
    })

    it('does not wait for hours when the device’s clock is set back', async () => {
        const { clock, calls, sync } = make()
        await sync.run().catch(() => {})
        clock.sleep(-3_600_000)
        sync.request()
        await clock.advance(1)
        expect(calls).toHaveLength(2)
    })

    it('makes no attempt wait', async () => {
        const { calls, sync, frames } = make()
        await frames(1_000)
        await sync.run().catch(() => {})
        expect(calls).toHaveLength(2)
    })
})

describe('a poll that a run has overtaken', () => {
    it('tells nothing: its answer is older', async () => {
        const { sync, answers, clock } = make()
        const heads: number[] = []
        sync.attach({ cursor: () => null, apply: ({ head_seq: headSeq }) => heads.push(headSeq) })
        const page = (headSeq: number) => ({ head_seq: headSeq, has_more: false, server_time: '' }) as SyncResult
        let answerPoll: (answer: unknown) => void = () => {}
        answers(() => new Promise((resolve) => (answerPoll = resolve)))
        const polled = sync.poll(false)
        answers(async () => page(2))
        await sync.run()
        answerPoll({ result: page(1), version: 'v1', pollIntervalMs: 5_000 })
        await clock.settle()
        expect(await polled).toBe(null)
        expect(heads).toEqual([2])
    })
})
