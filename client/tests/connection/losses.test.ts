/** Losses: what is repaired, when it is tried again, and what the app is told. */

import { describe, expect, it } from 'vitest'
import { bench } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'

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
            const close = () => supabase.realtime.close(`chat:${SESSION}`)
            const attempts: number[] = []
            client.connection.on('restored', () => {
                attempts.push(clock.now())
                if (livesMs === 0) close()
                else clock.after(livesMs, close)
            })
            close()
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

    it('that is a network dropping again and again is followed by an attempt within 5 s, each time', async () => {
        const { connect, supabase, clock, client } = bench({ over })
        await connect()
        const waits: number[] = []
        let droppedAt = clock.now()
        client.connection.on('restored', () => {
            waits.push(clock.now() - droppedAt)
            clock.after(1_000, () => {
                droppedAt = clock.now()
                supabase.realtime.cut()
            })
        })
        supabase.realtime.cut()
        await clock.advance(600_000)
        expect(waits.length).toBeGreaterThan(90)
        // With the time that the attempt itself takes.
        expect(Math.max(...waits)).toBeLessThanOrEqual(5_500)
        expect(waits.filter((wait) => wait >= 4_900).length).toBeGreaterThan(waits.length / 3)
    })
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
