/** Losses and refusals: what is repaired, what ends the connection, and what the app is told. */

import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'

const OVER = ['rpc', 'edge'] as const

describe.each(OVER)('a loss on the server side, over %s', (over) => {
    it('is repaired within 2 s, and not shown when that takes less than one', async () => {
        for (let seed = 1; seed <= 20; seed++) {
            const { connect, supabase, clock, states } = bench({ seed, over })
            await connect()
            supabase.realtime.log.length = 0
            const lostAt = clock.now()
            supabase.realtime.cut()
            while (!supabase.realtime.log.includes('setAuth')) await clock.advance(10)
            expect(clock.now() - lostAt).toBeLessThanOrEqual(2_010)
            const isShort = clock.now() - lostAt < 800
            await clock.advance(1_000)
            const shown = states.filter((state) => state.startsWith('reconnecting'))
            if (isShort) expect(shown).toEqual([])
            expect(states.at(-1)).toMatch(/^connected/)
        }
    })

    it('closes the socket that supabase-js would open again without jitter', async () => {
        const { connect, supabase } = bench({ over })
        await connect()
        supabase.realtime.cut()
        expect(supabase.realtime.count('disconnect')).toBe(1)
    })

    it('leaves the socket alone while the app has a channel of its own on it', async () => {
        const { connect, supabase, lifecycle, clock } = bench({ over })
        supabase.realtime.channel('own', { config: { private: true, broadcast: { replication_ready: false } } })
        await connect()
        lifecycle.emit('background')
        lifecycle.emit('active')
        await clock.advance(1_000)
        expect(supabase.realtime.count('disconnect')).toBe(0)
        expect(supabase.realtime.find('own')).toBeDefined()
    })

    it('makes a closed channel anew and leaves the others', async () => {
        const { connect, supabase, clock } = bench({ over })
        await connect()
        supabase.realtime.log.length = 0
        supabase.realtime.close(`chat:${SESSION}`)
        await clock.advance(5_000)
        expect(supabase.realtime.log.filter((line) => line.startsWith('join'))).toEqual([`join chat:${SESSION}`])
        expect(supabase.count('sync')).toBe(2)
    })

    it.each([0, 1_000])(
        'that comes again after %i ms is answered later each time, and never given up',
        async (livesMs) => {
            const { connect, supabase, clock, client, errors } = bench({ over })
            await connect()
            const attempts: number[] = []
            client.connection.on('restored', () => {
                attempts.push(clock.now())
                if (livesMs === 0) supabase.realtime.cut()
                else clock.after(livesMs, () => supabase.realtime.cut())
            })
            supabase.realtime.cut()
            await clock.advance(3_600_000)
            // Half of the longest delay on average.
            expect(attempts.length).toBeGreaterThan(200)
            expect(attempts.length).toBeLessThan(450)
            const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0))
            expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(500)
            expect(Math.max(...gaps)).toBeGreaterThan(15_000)
            expect(errors).toEqual([])
        }
    )
})

describe.each(OVER)('a place that is lost, over %s', (over) => {
    it('is taken again when the heartbeat finds no lease, with one sync from the cursor', async () => {
        const { connect, supabase, stream, clock, client } = bench({ over })
        await connect()
        const cursors: unknown[] = []
        client.connection.connection?.sync.attach({ cursor: () => ({ afterSeq: 3, epoch: 'e1' }), apply: () => {} })
        supabase.handlers.sync = (args) => {
            cursors.push(args.after_seq)
            return stream.sync()
        }
        stream.isJoined = false
        await clock.advance(20_000)
        expect(stream.isJoined).toBe(true)
        expect(supabase.count('join_stream')).toBe(2)
        expect(cursors).toEqual([3])
        expect(client.connection.getConnectionState()).toBe('connected')
    })

    it('goes to the newer device, and the older one stops', async () => {
        const { connect, stream, clock, states, errors, supabase } = bench({ over })
        await connect()
        stream.isSuperseded = true
        await clock.advance(20_000)
        expect(states.at(-1)).toBe('disconnected superseded')
        expect(errors).toEqual(['superseded'])
        const calls = supabase.calls.length
        await clock.advance(600_000)
        expect(supabase.calls.length).toBe(calls)
    })

    it('ends with a stream that ended while the connection was lost, after a last sync', async () => {
        const { connect, stream, clock, states, supabase, client } = bench({ over })
        await connect()
        stream.state = 'ended'
        stream.headSeq = 9
        const syncs = supabase.count('sync')
        supabase.realtime.cut()
        await clock.advance(5_000)
        expect(supabase.count('sync')).toBe(syncs + 1)
        expect(states.at(-1)).toBe('disconnected stream_ended')
        expect(client.connection.connection?.store.snapshot.state).toBe('ended')
        expect(clock.pending).toBe(0)
    })

    it('ends with the stream, after a last sync', async () => {
        const { connect, stream, clock, states, supabase, client } = bench({ over })
        await connect()
        stream.state = 'ended'
        stream.headSeq = 9
        const syncs = supabase.count('sync')
        await clock.advance(20_000)
        expect(supabase.count('sync')).toBe(syncs + 1)
        expect(states.at(-1)).toBe('disconnected stream_ended')
        expect(client.connection.connection?.store.snapshot.state).toBe('ended')
    })
})

describe.each(OVER)('a refusal that does not pass, over %s', (over) => {
    const refusals: [name: string, code: string, arrange: (of: ReturnType<typeof bench>) => void][] = [
        ['a client that is too old', 'client_too_old', ({ stream }) => (stream.oldestClient = '99.0')],
        ['a ban', 'banned', ({ supabase }) => refuse(supabase, 'join_stream', 'banned', 403)],
        [
            'a stream that is not there',
            'session_not_found',
            ({ supabase }) => refuse(supabase, 'join_stream', 'session_not_found', 404),
        ],
        ['nobody signed in', 'unauthenticated', ({ supabase }) => (supabase.realtime.accessToken = async () => null)],
        [
            'a project whose Realtime is disabled',
            'realtime_disabled',
            ({ supabase }) =>
                (supabase.realtime.answers = () => ({ refused: 'RealtimeDisabledForTenant: over quota' })),
        ],
        [
            'channels that stay closed to the user',
            'channel_refused',
            ({ supabase }) => (supabase.realtime.answers = () => ({ refused: 'Unauthorized: no policy' })),
        ],
    ]

    it.each(refusals)('%s stops the connection at once, with one error and no timers', async (_, code, arrange) => {
        const of = bench({ over })
        arrange(of)
        const connected = of.client.connection.connect(CONFIG)
        connected.catch(() => {})
        await of.clock.advance(60_000)
        await expect(connected).rejects.toMatchObject({ code })
        expect(of.states.at(-1)).toBe(`failed ${code}`)
        expect(of.errors).toEqual([code])
        expect(of.clock.pending).toBe(0)
        expect(of.supabase.realtime.channels).toEqual([])
    })

    it('a ban that the database announces stops it too', async () => {
        const { connect, supabase, states, clock } = bench({ over })
        await connect()
        const event = { session_id: SESSION, restriction: 'ban', is_in_force: true, until: null, server_time: '' }
        supabase.realtime.find(`user:${CONFIG.userId}`)?.broadcast('revoked', { ...event, session_id: 'another' })
        expect(states.at(-1)).toMatch(/^connected/)
        supabase.realtime.find(`user:${CONFIG.userId}`)?.broadcast('revoked', event)
        expect(states.at(-1)).toBe('failed banned')
        expect(clock.pending).toBe(0)
    })

    it('a sign-out stops it with its channels, which reconnect() joins again', async () => {
        const { connect, supabase, states, clock, client, dispose } = bench({ over })
        await connect()
        const topics = () => supabase.realtime.channels.map(({ topic }) => topic).sort()
        const joined = topics()
        supabase.emitAuth('TOKEN_REFRESHED')
        expect(states.at(-1)).toMatch(/^connected/)
        supabase.emitAuth('SIGNED_OUT')
        expect(states.at(-1)).toBe('failed signed_out')
        expect(clock.pending).toBe(0)
        expect(topics()).toEqual([])
        const again = client.connection.reconnect()
        await clock.advance(1_000)
        await again
        expect(topics()).toEqual(joined)
        // Heard as before.
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('state', { seq: 9, generation: 1, state: 'paused' })
        expect(client.connection.connection?.store.snapshot.state).toBe('paused')
        await dispose()
    })
})

describe.each(OVER)('a server that asks for patience, over %s', (over) => {
    it('is waited for, whatever the policy', async () => {
        const of = bench({ over })
        refuse(of.supabase, 'join_stream', 'rate_limited', 429, 30_000)
        const connected = of.client.connection.connect(CONFIG)
        connected.catch(() => {})
        await of.clock.advance(29_000)
        expect(of.supabase.count('join_stream')).toBe(1)
        await of.clock.advance(2_000)
        expect(of.supabase.count('join_stream')).toBe(2)
        await of.dispose()
    })
})

function refuse(
    supabase: ReturnType<typeof bench>['supabase'],
    name: string,
    code: string,
    status: number,
    retryAfterMs: number | null = null
): void {
    supabase.handlers[name] = () => {
        throw new Refused(code, status, retryAfterMs)
    }
}

describe.each(OVER)('a network that carries only a part, over %s', (over) => {
    it('carries state and chat first: nothing waits for the rest, which is repaired by itself', async () => {
        const { connect, supabase, clock, client, dispose } = bench({ over })
        const isCritical = (topic: string) => /^(stream|chat):/.test(topic)
        supabase.realtime.answers = (topic) => (isCritical(topic) ? 'ok' : 'silence')
        await connect()
        expect(client.connection.getConnectionState()).toBe('connected')
        await clock.advance(60_000)
        expect(client.connection.getConnectionState()).toBe('connected')
        supabase.realtime.answers = () => 'ok'
        await clock.advance(60_000)
        expect(supabase.realtime.channels).toHaveLength(4)
        expect(supabase.realtime.count(`join chat:${SESSION}`)).toBe(1)
        expect(supabase.count('sync')).toBe(1)
        await dispose()
    })

    it('does not follow a topic that stays closed to the user', async () => {
        const { connect, supabase, clock, client, dispose } = bench({ over })
        supabase.realtime.answers = (topic) => (topic.startsWith('viewers:') ? { refused: 'Unauthorized: no' } : 'ok')
        await connect()
        await clock.advance(600_000)
        expect(supabase.realtime.count(`join viewers:${SESSION}`)).toBe(3)
        expect(client.connection.getConnectionState()).toBe('connected')
        await dispose()
    })
})
