/** The stream service: the seed's calls, with the generation of this device and results in the client's form. */

import { describe, expect, it } from 'vitest'
import type * as Wire from '../../src/contract/wire.ts'
import { StreamState } from '../../src/index.ts'
import { bench } from '../fakes/bench.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'

function session(generation: number, viewerCount = 0): Wire.Session {
    return {
        id: SESSION,
        seller_id: USER,
        auction_id: USER,
        channel_id: SESSION,
        state: 'initializing',
        state_reason: null,
        generation,
        host_uid: 100 + generation,
        viewer_count: viewerCount,
        peak_viewer_count: viewerCount,
        created_at: '2026-01-01T00:00:00.123456+00:00',
        started_at: null,
        ended_at: null,
        state_changed_at: '2026-01-01T00:00:00+00:00',
        reconnect_deadline: null,
        chat_mode: 'viewers',
        slow_mode_ms: 0,
        pinned_seq: null,
        metadata: { lot_no: 7, shown_at: 'noon' },
        oldest_client: '1.0',
    }
}

async function run<T>(of: ReturnType<typeof bench>, call: Promise<T>): Promise<T> {
    await of.clock.advance(1_000)
    return call
}

describe('starting a stream', () => {
    it('returns the session in the client’s form, and leaves what is the application’s', async () => {
        const of = bench()
        of.supabase.handlers.start_stream = () => session(1)
        const started = await run(of, of.client.stream.startStream(USER, USER))
        expect(started).toMatchObject({
            id: SESSION,
            sellerId: USER,
            hostUid: 101,
            state: StreamState.INITIALIZING,
            viewers: [],
        })
        expect(started.createdAt).toEqual(new Date('2026-01-01T00:00:00.123Z'))
        expect(started.startedAt).toBeNull()
        expect(started.metadata).toEqual({ lot_no: 7, shown_at: 'noon' })
    })

    it('names the viewers of a stream that is taken over', async () => {
        const of = bench()
        of.supabase.handlers.start_stream = () => session(2, 1)
        of.supabase.handlers.get_viewers = () => [{ user_id: USER, agora_uid: 7 }]
        expect((await run(of, of.client.stream.startStream(USER, USER))).viewers).toEqual([USER])
    })
})

describe('the device of a seller', () => {
    it('hosts nothing where its app is too old', async () => {
        const of = bench()
        of.supabase.handlers.start_stream = () => ({ ...session(1), oldest_client: '1.1' })
        const started = of.client.stream.startStream(USER, USER)
        started.catch(() => {})
        await of.clock.advance(1_000)
        await expect(started).rejects.toMatchObject({ code: 'client_too_old', fallbackAction: 'update_app' })
        expect(of.client.stream.generationOf(SESSION)).toBeUndefined()
    })

    it('names its generation in every call, so that an older one is refused', async () => {
        const of = bench()
        const { stream } = of.client
        const { handlers } = of.supabase
        handlers.start_stream = () => session(3)
        for (const name of ['pause_stream', 'resume_stream', 'update_stream_state', 'end_stream'])
            handlers[name] = () => session(3)
        handlers.generate_seller_token = () => of.stream.token()
        await run(of, stream.startStream(USER, USER))
        await run(of, stream.updateStreamState(SESSION, StreamState.ACTIVE))
        await run(of, stream.pauseStream(SESSION))
        await run(of, stream.resumeStream(SESSION))
        await run(of, stream.generateSellerToken(USER, SESSION))
        await run(of, stream.endStream(SESSION))
        const generations = of.supabase.calls.slice(1).map(({ name, args }) => [name, args.generation])
        expect(generations).toEqual([
            ['update_stream_state', 3],
            ['pause_stream', 3],
            ['resume_stream', 3],
            ['generate_seller_token', 3],
            ['end_stream', 3],
        ])
        expect(stream.generationOf(SESSION)).toBeUndefined()
    })

    it('keeps the stream alive by its heartbeats, and takes no lease', async () => {
        const of = bench()
        of.supabase.handlers.start_stream = () => session(1)
        of.supabase.handlers.heartbeat = (args) => {
            of.stream.isJoined = true
            expect(args.generation).toBe(1)
            return {
                ...of.stream.sync(),
                status: 'ok',
                next_in_ms: 15_000,
                reconnect_deadline: null,
                token: of.stream.token(),
            }
        }
        await run(of, of.client.stream.startStream(USER, USER))
        await of.connect()
        expect(of.supabase.count('join_stream')).toBe(0)
        expect(of.supabase.count('heartbeat')).toBe(1)
        expect(of.client.connection.connection?.lease).toBeNull()
        await of.clock.advance(60_000)
        expect(of.supabase.count('heartbeat')).toBeGreaterThanOrEqual(4)
        await of.dispose()
        expect(of.supabase.count('remove_viewer')).toBe(0)
    })
})

describe('tokens', () => {
    it('have the seed’s shape', async () => {
        const of = bench()
        of.supabase.handlers.generate_buyer_token = () => of.stream.token()
        of.supabase.handlers.refresh_token = () => of.stream.token()
        const expected = {
            channelId: SESSION,
            uid: 7,
            expiresAt: expect.any(Date),
            privileges: { canPublish: false, canSubscribe: true, canAdmin: false },
        }
        expect(await run(of, of.client.stream.generateBuyerToken(USER, SESSION))).toMatchObject(expected)
        expect(await run(of, of.client.stream.refreshToken(USER, SESSION))).toMatchObject(expected)
    })
})

describe('viewers', () => {
    it('leave with the number of their join, so that a newer device stays', async () => {
        const of = bench()
        of.supabase.handlers.add_viewer = () => ({
            session_id: SESSION,
            user_id: USER,
            agora_uid: 7,
            join_no: 4,
            joined_at: '',
        })
        await run(of, of.client.stream.addViewer(SESSION, USER))
        await run(of, of.client.stream.removeViewer(SESSION, USER))
        expect(of.supabase.calls.at(-1)).toMatchObject({ name: 'remove_viewer', args: { join_no: 4, buyer_id: USER } })
    })
})
