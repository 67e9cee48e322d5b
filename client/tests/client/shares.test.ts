/** Shares of a stream: one for each user, and the seller's once this client hosts it. */

import { beforeEach, describe, expect, it } from 'vitest'
import { type Bench, bench, CONFIG } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'

const BEN = '44444444-4444-4444-8444-444444444444'

let of: Bench

beforeEach(() => {
    of = bench()
})

describe('another user of the same client', () => {
    it('gets a connection and a chat of their own, while views of the one before are mounted', async () => {
        const { client, clock, supabase, dispose } = of
        const before = client.holdChat(CONFIG)
        await clock.advance(1_000)
        supabase.emitAuth('SIGNED_OUT')
        expect(before.connection.state).toBe('failed')
        of.stream.userId = BEN
        const ben = { sessionId: SESSION, userId: BEN }
        expect(client.core.connections.find(SESSION, BEN)).toBeUndefined()
        const after = client.holdChat(ben)
        const connected = client.connection.connect(ben)
        await clock.advance(1_000)
        await connected
        expect(after.chat.userId).toBe(BEN)
        expect(supabase.realtime.find(`user:${BEN}`)).toBeDefined()
        expect(supabase.realtime.find(`user:${CONFIG.userId}`)).toBeUndefined()
        // What the first one still lets go of is not the second one's.
        before.release()
        await clock.advance(5_000)
        expect(client.connection.getConnectionState()).toBe('connected')
        expect(client.findChat(SESSION)).toBe(after.chat)
        await dispose()
    })

    it('is never the author of what the one before wrote', async () => {
        const { client, clock, supabase, dispose } = of
        supabase.handlers.send_message = ({ user_id: author }) => {
            throw new Refused(author === CONFIG.userId ? 'forbidden' : 'internal', 403)
        }
        const { chat } = client.holdChat(CONFIG)
        await clock.advance(1_000)
        const sent = expect(chat.send('from Ada').stored).rejects.toMatchObject({ code: 'forbidden' })
        await clock.advance(1_000)
        await sent
        await dispose()
    })

    it('takes the manager’s place too', async () => {
        const { client, clock, connect, dispose } = of
        await connect()
        of.stream.userId = BEN
        const connected = client.connection.connect({ sessionId: SESSION, userId: BEN })
        await clock.advance(1_000)
        await connected
        expect(client.connection.connection?.config.userId).toBe(BEN)
        await dispose()
    })
})

describe('a stream that this client comes to host', () => {
    const generations = () =>
        of.supabase.calls.filter(({ name }) => name === 'heartbeat').map(({ args }) => args.generation)

    beforeEach(() => {
        const { supabase, stream } = of
        const heartbeat = supabase.handlers.heartbeat
        supabase.handlers.heartbeat = (args) => {
            if (args.generation !== undefined) stream.isJoined = true
            return heartbeat?.(args)
        }
        supabase.handlers.start_stream = () => {
            stream.generation++
            return { id: SESSION, seller_id: CONFIG.userId, generation: stream.generation, viewer_count: 0 }
        }
    })

    const start = async () => {
        const started = of.client.stream.startStream(CONFIG.userId, 'auction')
        await of.clock.advance(1_000)
        await started
    }

    it('is kept alive by the connection that was a viewer’s, for those who share it', async () => {
        const { client, clock, supabase, dispose } = of
        const { connection } = client.hold(CONFIG)
        await clock.advance(1_000)
        await start()
        expect(client.hold(CONFIG).connection).toBe(connection)
        expect(generations()).toEqual([2])
        expect(supabase.count('remove_viewer')).toBe(1)
        await start()
        await clock.advance(20_000)
        expect(new Set(generations().slice(1))).toEqual(new Set([3]))
        expect(connection.state).toBe('connected')
        await dispose()
    })

    it('stays the seller’s for views that name no place, and for older generations', async () => {
        const { client, clock, dispose } = of
        const connected = client.connection.connect({ ...CONFIG, role: 'seller', generation: 5 })
        await clock.advance(1_000)
        await connected
        client.hold(CONFIG)
        client.hold({ ...CONFIG, role: 'seller', generation: 4 })
        await clock.advance(30_000)
        expect(new Set(generations())).toEqual(new Set([5]))
        const taken = client.connection.connect({ ...CONFIG, role: 'seller', generation: 6 })
        await clock.advance(1_000)
        await taken
        expect(generations().at(-1)).toBe(6)
        await dispose()
    })
})
