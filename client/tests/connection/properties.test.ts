/** Properties 8, 10 and 11 of the design, for any order of losses, sleeps and refusals. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'
import type { JoinAnswer } from '../fakes/fake_supabase.ts'

const OVER = fc.constantFrom('rpc' as const, 'edge' as const)

const RUNS = { numRuns: 100, seed: 20_260_101 }

const TOPICS = [`stream:${SESSION}`, `chat:${SESSION}`, `user:${USER}`, `viewers:${SESSION}`]

/** Join refusals that pass by themselves. */
const PASSING: JoinAnswer[] = [
    'silence',
    { refused: 'ClientJoinRateLimitReached: Too many joins per second' },
    { refused: 'InitializingProjectConnection: Realtime is initializing the project connection' },
    { refused: 'RealtimeRestarting: Realtime is restarting' },
]

/** Every join came after a setAuth of its own attempt, and state and chat before the rest. */
function expectOrder(log: string[]): void {
    let hasToken = false
    let joined = new Set<string>()
    for (const line of log) {
        if (line === 'setAuth') {
            hasToken = true
            joined = new Set()
        }
        if (!line.startsWith('join ')) continue
        expect(hasToken, line).toBe(true)
        const topic = line.slice('join '.length)
        if (topic.startsWith('user:') || topic.startsWith('viewers:')) joined.add('rest')
        else expect(joined.has('rest'), `${line} came after the rest`).toBe(false)
    }
}

describe('Feature: streaming-realtime-fixes, Property 8: Supabase Realtime Connection Management', () => {
    it('authenticates, joins the topics once each, delivers, and backs off exponentially', async () => {
        const answers = fc.array(fc.constantFrom(...PASSING), { maxLength: 6 })
        await fc.assert(
            fc.asyncProperty(answers, OVER, fc.integer(), async (refused, over, seed) => {
                const { client, clock, supabase, dispose } = bench({ seed, over })
                const begun: number[] = []
                let attempt = -1
                supabase.realtime.answers = (topic) => {
                    if (topic.startsWith('stream:')) {
                        attempt++
                        begun.push(clock.now())
                    }
                    return refused[attempt] ?? 'ok'
                }
                const connected = client.connection.connect(CONFIG)
                connected.catch(() => {})
                await clock.advance(300_000)
                await connected
                expectOrder(supabase.realtime.log)
                begun.slice(1).forEach((at, index) => {
                    // A refused join takes 20 ms and a silent one 10 s; a token and a place take 20 ms more.
                    const took = refused[index] === 'silence' ? 10_000 : 20
                    const waited = at - (begun[index] ?? 0) - took
                    expect(waited).toBeGreaterThanOrEqual(500)
                    expect(waited).toBeLessThanOrEqual(Math.min(20_000, 500 * 2 ** (index + 1)) + 60)
                })
                const topics = supabase.realtime.channels.map(({ topic }) => topic.slice('realtime:'.length))
                expect([...topics].sort()).toEqual([...TOPICS].sort())
                expect(supabase.realtime.channels.every(({ options }) => options.config.private)).toBe(true)
                supabase.realtime.find(`viewers:${SESSION}`)?.broadcast('viewer_count', {
                    session_id: SESSION,
                    viewer_count: 42,
                    peak: 50,
                    server_time: new Date(clock.now() + 1).toISOString(),
                })
                expect(client.connection.connection?.store.snapshot.viewerCount).toBe(42)
                await dispose()
                expect(clock.pending).toBe(0)
            }),
            RUNS
        )
    })
})

type Disturbance =
    | { kind: 'cut' }
    | { kind: 'close'; topic: number }
    | { kind: 'sleep'; ms: number; signals: ('active' | 'online')[] }
    | { kind: 'offline'; ms: number }
    | { kind: 'unreachable'; ms: number }
    | { kind: 'expired' }
    | { kind: 'lease' }

const disturbance: fc.Arbitrary<Disturbance> = fc.oneof(
    fc.constant({ kind: 'cut' as const }),
    fc.record({ kind: fc.constant('close' as const), topic: fc.nat(3) }),
    fc.record({
        kind: fc.constant('sleep' as const),
        ms: fc.integer({ min: 100, max: 3_600_000 }),
        signals: fc.constantFrom<('active' | 'online')[]>(['active'], ['active', 'online'], ['online', 'active']),
    }),
    fc.record({ kind: fc.constant('offline' as const), ms: fc.integer({ min: 100, max: 60_000 }) }),
    fc.record({ kind: fc.constant('unreachable' as const), ms: fc.integer({ min: 100, max: 30_000 }) }),
    fc.constant({ kind: 'expired' as const }),
    fc.constant({ kind: 'lease' as const })
)

async function disturb(of: ReturnType<typeof bench>, what: Disturbance): Promise<void> {
    const { supabase, lifecycle, clock, stream } = of
    const { realtime } = supabase
    switch (what.kind) {
        case 'cut':
            return realtime.cut()
        case 'close':
            return realtime.close(TOPICS[what.topic] as string)
        case 'sleep':
            lifecycle.emit('background')
            if (what.signals.includes('online')) lifecycle.emit('offline')
            clock.sleep(what.ms)
            for (const signal of what.signals) lifecycle.emit(signal)
            return realtime.cut()
        case 'offline':
            lifecycle.emit('offline')
            supabase.isReachable = false
            realtime.answers = () => 'silence'
            realtime.cut()
            await clock.advance(what.ms)
            supabase.isReachable = true
            realtime.answers = () => 'ok'
            return lifecycle.emit('online')
        case 'unreachable':
            supabase.isReachable = false
            realtime.cut()
            await clock.advance(what.ms)
            supabase.isReachable = true
            return
        case 'expired':
            return realtime.close(`chat:${SESSION}`, 'Token has expired 3 seconds ago')
        case 'lease':
            stream.isJoined = false
            return realtime.close(`chat:${SESSION}`)
    }
}

describe('Feature: streaming-realtime-fixes, Property 10: Connection Recovery and State Restoration', () => {
    it('tries within 5 seconds of any loss and restores everything, what matters most first', async () => {
        const play = fc.array(fc.tuple(disturbance, fc.integer({ min: 0, max: 30_000 })), {
            minLength: 1,
            maxLength: 6,
        })
        await fc.assert(
            fc.asyncProperty(play, OVER, fc.integer(), async (steps, over, seed) => {
                const of = bench({ seed, over })
                const { clock, supabase, stream, client, connect, errors, dispose } = of
                client.connection.setRetryPolicy({
                    maxAttempts: 20,
                    baseDelay: 500,
                    maxDelay: 20_000,
                    backoffMultiplier: 2,
                })
                await connect()
                for (const [what, pauseMs] of steps) {
                    // State and chat are critical; the others are repaired alone.
                    const topic = what.kind === 'close' && what.topic >= 2 ? `join ${TOPICS[what.topic]}` : 'setAuth'
                    const begun = supabase.realtime.count(topic)
                    const wasConnected = client.connection.getConnectionState() === 'connected'
                    stream.headSeq++
                    stream.state = stream.state === 'active' ? 'paused' : 'active'
                    await disturb(of, what)
                    await clock.advance(5_000)
                    if (wasConnected) expect(supabase.realtime.count(topic), topic).toBeGreaterThan(begun)
                    await clock.advance(pauseMs)
                }
                await clock.advance(120_000)
                expect(errors).toEqual([])
                expect(client.connection.getConnectionState()).toBe('connected')
                expectOrder(supabase.realtime.log)
                expect(client.connection.connection?.store.snapshot.state).toBe(stream.state)
                const topics = supabase.realtime.channels.map(({ topic }) => topic.slice('realtime:'.length))
                expect([...topics].sort()).toEqual([...TOPICS].sort())
                expect(stream.isJoined).toBe(true)
                await dispose()
                expect(clock.pending).toBe(0)
            }),
            RUNS
        )
    })

    it('makes one sync for one wake, however many signals tell of it', async () => {
        const signals = fc.array(fc.constantFrom('active', 'online', 'cut', 'close'), { minLength: 1, maxLength: 6 })
        const gap = fc.constantFrom(0, 5, 15, 30, 60, 100, 500, 5_000)
        await fc.assert(
            fc.asyncProperty(
                signals,
                fc.tuple(fc.integer({ min: 0, max: 600_000 }), gap),
                OVER,
                fc.integer(),
                async (list, [ms, gapMs], over, seed) => {
                    const { connect, supabase, lifecycle, clock, client, dispose } = bench({ seed, over })
                    await connect()
                    supabase.realtime.log.length = 0
                    lifecycle.emit('background')
                    lifecycle.emit('offline')
                    clock.sleep(ms)
                    lifecycle.emit('active')
                    supabase.realtime.cut()
                    await clock.advance(gapMs)
                    lifecycle.emit('online')
                    // What a dead socket tells comes with the wake; later it would be another loss.
                    for (const signal of gapMs === 0 ? list : []) {
                        if (signal === 'cut') supabase.realtime.cut()
                        else if (signal === 'close') supabase.realtime.close(`chat:${SESSION}`)
                        else lifecycle.emit(signal as 'active' | 'online')
                    }
                    await clock.advance(10_000)
                    expect(supabase.realtime.count('call sync')).toBe(1)
                    expect(supabase.realtime.count(`join chat:${SESSION}`)).toBe(1)
                    expect(supabase.realtime.count('setAuth')).toBe(1)
                    expect(client.connection.getConnectionState()).toBe('connected')
                    await dispose()
                }
            ),
            RUNS
        )
    })
})

describe('Feature: streaming-realtime-fixes, Property 11: Connection Failure Handling', () => {
    it('tells the user once after the last attempt, stops, and lets them try again', async () => {
        const failure = fc.constantFrom<'unreachable' | JoinAnswer>('unreachable', ...PASSING)
        const policy = fc.record({
            maxAttempts: fc.integer({ min: 1, max: 8 }),
            baseDelay: fc.integer({ min: 0, max: 3_000 }),
            maxDelay: fc.integer({ min: 500, max: 20_000 }),
            backoffMultiplier: fc.double({ min: 1, max: 3, noNaN: true }),
        })
        await fc.assert(
            fc.asyncProperty(
                failure,
                policy,
                fc.boolean(),
                OVER,
                fc.integer(),
                async (what, chosen, isFirst, over, seed) => {
                    const { client, clock, supabase, connect, errors, states, dispose } = bench({ seed, over })
                    client.connection.setRetryPolicy(chosen)
                    if (!isFirst) await connect()
                    supabase.isReachable = what !== 'unreachable'
                    supabase.realtime.answers = () => (what === 'unreachable' ? 'ok' : what)
                    const tokens = supabase.realtime.count('setAuth')
                    const connected = isFirst ? client.connection.connect(CONFIG) : Promise.resolve()
                    connected.catch(() => {})
                    if (!isFirst) supabase.realtime.cut()
                    await clock.advance(600_000)
                    expect(supabase.realtime.count('setAuth') - tokens).toBe(chosen.maxAttempts)
                    expect(errors).toEqual(['reconnect_exhausted'])
                    expect(states.at(-1)).toBe('failed reconnect_exhausted')
                    if (isFirst) await expect(connected).rejects.toMatchObject({ code: 'reconnect_exhausted' })
                    expect(clock.pending).toBe(0)
                    const calls = supabase.calls.length
                    await clock.advance(600_000)
                    expect(supabase.calls.length).toBe(calls)

                    supabase.isReachable = true
                    supabase.realtime.answers = () => 'ok'
                    const again = client.connection.reconnect()
                    await clock.advance(2_000)
                    await again
                    expect(states.at(-1)).toBe('connected reconnect')
                    expect(errors).toHaveLength(1)
                    await dispose()
                    expect(clock.pending).toBe(0)
                }
            ),
            RUNS
        )
    })
})
