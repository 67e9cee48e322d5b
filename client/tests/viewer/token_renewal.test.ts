/** Renewal of the video token from three sides, one at a time. */

import { describe, expect, it } from 'vitest'
import { StreamError } from '../../src/index.ts'
import type { AgoraToken } from '../../src/stream/stream_types.ts'
import { FakeClock } from '../../src/testing.ts'
import { TokenRenewal } from '../../src/viewer/token_renewal.ts'
import { FakeRandom } from '../fakes/fake_random.ts'

const LIFE_MS = 3_600_000

function renewal() {
    const clock = new FakeClock()
    const begunAt = clock.now()
    const log: string[] = []
    const of = {
        clock,
        log,
        isInChannel: true,
        /** How the server answers: a token, an error, or nothing for now. */
        fetch: async (): Promise<AgoraToken> => token('fetched'),
        apply: async (_token: AgoraToken): Promise<void> => {},
        at: () => clock.now() - begunAt,
        failures: [] as string[],
        parallel: 0,
        mostParallel: 0,
    }
    let no = 0
    function token(name: string, lifeMs = LIFE_MS): AgoraToken {
        const privileges = { canPublish: false, canSubscribe: true, canAdmin: false }
        const expiresAt = new Date(clock.now() + lifeMs)
        return { token: `${name}-${++no}`, channelId: 'channel', uid: 7, expiresAt, privileges }
    }
    const tried = new TokenRenewal({
        clock,
        random: new FakeRandom(),
        serverNow: () => clock.now(),
        fetch: async () => {
            log.push(`fetch ${of.at()}`)
            return of.fetch()
        },
        apply: async (taken) => {
            of.mostParallel = Math.max(of.mostParallel, ++of.parallel)
            log.push(`apply ${taken.token}`)
            try {
                await of.apply(taken)
            } finally {
                of.parallel--
            }
        },
        isInChannel: () => of.isInChannel,
        onChange: () => {},
        onFailed: ({ code }) => of.failures.push(code),
        onNotTaken: () => log.push('not taken'),
    })
    return Object.assign(of, { renewal: tried, token })
}

describe('renewal', () => {
    it('asks for another at 80 % of the life', async () => {
        const of = renewal()
        of.renewal.take(of.token('joined'))
        await of.clock.advance(LIFE_MS * 0.8 - 1)
        expect(of.log).toEqual(['apply joined-1'])
        await of.clock.advance(1)
        expect(of.log).toEqual(['apply joined-1', `fetch ${LIFE_MS * 0.8}`, 'apply fetched-2'])
    })

    it('needs no request of its own while heartbeats bring tokens', async () => {
        const of = renewal()
        for (let at = 0; at < 5; at++) {
            of.renewal.take(of.token('heartbeat'))
            await of.clock.advance(LIFE_MS * 0.76)
        }
        expect(of.log).toEqual([1, 2, 3, 4, 5].map((no) => `apply heartbeat-${no}`))
    })

    it('counts life by the rest that a token has', async () => {
        const of = renewal()
        of.renewal.take(of.token('old', 100_000))
        await of.clock.advance(80_000)
        expect(of.log.at(-2)).toBe('fetch 80000')
    })

    it('is not asked for without end by tokens that are dead on arrival', async () => {
        const of = renewal()
        of.fetch = async () => of.token('dead', -1_000)
        of.renewal.take(of.token('dead', -1_000))
        await of.clock.advance(20_000)
        expect(of.log.filter((line) => line.startsWith('fetch')).length).toBeLessThanOrEqual(10)
    })

    it('asks once for timer, warning and recovery together', async () => {
        const of = renewal()
        of.renewal.take(of.token('joined'))
        await of.clock.advance(20_000)
        let answer: (token: AgoraToken) => void = () => {}
        of.fetch = () => new Promise((resolve) => (answer = resolve))
        const one = of.renewal.request()
        of.renewal.willExpire()
        expect(of.renewal.request()).toBe(one)
        answer(of.token('new'))
        await one
        expect(of.log.filter((line) => line.startsWith('fetch'))).toHaveLength(1)
        expect(of.log.at(-1)).toBe('apply new-2')
    })

    it('asks nobody when the warning comes right after a new token', async () => {
        const of = renewal()
        of.renewal.take(of.token('heartbeat'))
        await of.clock.advance(9_999)
        of.renewal.willExpire()
        expect(of.log).toEqual(['apply heartbeat-1'])
        await of.clock.advance(1)
        of.renewal.willExpire()
        expect(of.log.at(-1)).toBe('fetch 10000')
    })

    it('hands over one token at a time, and the newest last', async () => {
        const of = renewal()
        const done: (() => void)[] = []
        of.apply = () => new Promise((resolve) => done.push(resolve))
        for (const name of ['a', 'b', 'c']) {
            of.renewal.take(of.token(name))
            await of.clock.advance(1)
        }
        expect(of.log).toEqual(['apply a-1'])
        done[0]?.()
        await of.clock.settle()
        expect(of.log).toEqual(['apply a-1', 'apply c-3'])
        done[1]?.()
        await of.clock.settle()
        expect(of.mostParallel).toBe(1)
    })

    it('does not take an older token, nor the same twice', async () => {
        const of = renewal()
        const old = of.token('old')
        await of.clock.advance(1)
        const newer = of.token('new')
        of.renewal.take(newer)
        of.renewal.take(old)
        of.renewal.take({ ...newer })
        await of.clock.settle()
        expect(of.renewal.token?.token).toBe('new-2')
        expect(of.log).toEqual(['apply new-2'])
        // Of another uid, as after a takeover, it is another matter.
        of.renewal.take({ ...old, uid: 8 })
        expect(of.renewal.token?.uid).toBe(8)
    })

    it('leaves tokens to the join while there is no channel, and catches up after it', async () => {
        const of = renewal()
        of.isInChannel = false
        of.renewal.take(of.token('a'))
        expect(of.renewal.given()?.token).toBe('a-1')
        of.renewal.take(of.token('b'))
        await of.clock.settle()
        expect(of.log).toEqual([])
        of.isInChannel = true
        of.renewal.catchUp()
        expect(of.log).toEqual(['apply b-2'])
    })

    it('tries again, later each time, and by the word of the server', async () => {
        const of = renewal()
        const slow = new StreamError('rate_limited', 'slow', { status: 429, retryAfterMs: 60_000 })
        const errors = [new StreamError('unreachable', 'away'), new StreamError('unreachable', 'away'), slow]
        of.fetch = async () => {
            const error = errors.shift()
            if (error) throw error
            return of.token('late')
        }
        await expect(of.renewal.request()).rejects.toMatchObject({ code: 'unreachable' })
        expect(of.renewal.isAwaited).toBe(true)
        await of.clock.advance(200_000)
        const at = of.log.filter((line) => line.startsWith('fetch')).map((line) => Number(line.split(' ')[1]))
        expect(at).toHaveLength(4)
        const [first = 0, second = 0, third = 0, fourth = 0] = at
        expect(second - first).toBeLessThanOrEqual(3_000)
        expect(third - second).toBeLessThanOrEqual(6_000)
        expect(third - second).toBeGreaterThanOrEqual(2_000)
        expect(fourth - third).toBe(60_000)
        expect(of.failures).toEqual(['unreachable', 'unreachable', 'rate_limited'])
        expect(of.renewal.isAwaited).toBe(false)
    })

    it('does not try again after a refusal', async () => {
        const of = renewal()
        of.fetch = async () => {
            throw new StreamError('banned', 'banned', { status: 403 })
        }
        await expect(of.renewal.request()).rejects.toMatchObject({ code: 'banned' })
        expect(of.clock.pending).toBe(0)
        expect(of.failures).toEqual(['banned'])
    })

    it('says when an engine does not take its token, unless a newer one is there', async () => {
        const of = renewal()
        of.apply = async () => {
            throw new Error('-110')
        }
        of.renewal.take(of.token('a'))
        await of.clock.settle()
        expect(of.log).toEqual(['apply a-1', 'not taken'])
    })

    it('plans anew after a sleep, and says when the token has ended', async () => {
        const of = renewal()
        of.renewal.take(of.token('a'))
        of.clock.sleep(LIFE_MS * 0.9)
        expect(of.renewal.woken()).toBe(false)
        await of.clock.advance(2_000)
        expect(of.log.some((line) => line.startsWith('fetch'))).toBe(true)
        of.clock.sleep(LIFE_MS * 2)
        expect(of.renewal.woken()).toBe(true)
    })

    it('stops with everything that it planned or waits for', async () => {
        const of = renewal()
        of.renewal.take(of.token('a'))
        let answer: (token: AgoraToken) => void = () => {}
        of.fetch = () => new Promise((resolve) => (answer = resolve))
        const request = of.renewal.request()
        of.renewal.stop()
        answer(of.token('late'))
        await request
        expect(of.renewal.token?.token).toBe('a-1')
        expect(of.clock.pending).toBe(0)
        of.renewal.forget()
        expect(of.renewal.token).toBeNull()
    })
})
