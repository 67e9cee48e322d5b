/** Refusals: what ends the connection at once, and what only wants to be waited for. */

import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'

const OVER = ['rpc', 'edge'] as const

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

    it.each(['viewer', 'seller'] as const)(
        'a server that serves later clients only, since it was upgraded, stops a %s at its next heartbeat',
        async (who) => {
            const of = bench({ over })
            of.stream.isJoined = who === 'seller'
            await of.connect(who === 'seller' ? { role: 'seller', generation: 1 } : {})
            of.stream.oldestClient = '2.0'
            await of.clock.advance(20_000)
            expect(of.states.at(-1)).toBe('failed client_too_old')
            expect(of.errors).toEqual(['client_too_old'])
            expect(of.clock.pending).toBe(0)
        }
    )

    it('a sync that says so stops it, a poll as well as a run', async () => {
        for (const pollMs of [null, 1_000]) {
            const of = bench({ over })
            await of.connect()
            of.stream.oldestClient = '1.1'
            of.stream.headSeq++
            const { connection } = of.client.connection
            if (pollMs === null) connection?.sync.request()
            const frame = { session_id: SESSION, poll_ms: pollMs }
            of.supabase.realtime.find(`chat:${SESSION}`)?.broadcast('messages', frame)
            await of.clock.advance(1_200)
            expect(of.supabase.count('heartbeat')).toBe(0)
            expect(of.errors).toEqual(['client_too_old'])
            expect(of.clock.pending).toBe(0)
        }
    })

    it('another user who is signed in by now gets no place in the name of the first', async () => {
        const { connect, supabase, stream, client, clock, states, dispose } = bench({ over })
        await connect()
        supabase.emitAuth('SIGNED_OUT')
        stream.isJoined = false
        stream.userId = '33333333-3333-4333-8333-333333333333'
        const again = client.connection.reconnect()
        again.catch(() => {})
        await clock.advance(60_000)
        await expect(again).rejects.toMatchObject({ code: 'not_self' })
        expect(states.at(-1)).toBe('failed not_self')
        expect(stream.isJoined).toBe(false)
        expect(supabase.count('sync')).toBe(1)
        expect(clock.pending).toBe(0)
        await dispose()
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
