/** The state of a stream, from answers and events in whatever order they come. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HeartbeatResult, StateEvent } from '../../src/contract/wire.ts'
import { StreamStore } from '../../src/stream/stream_store.ts'
import { bench } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'

function event(seq: number, state: StateEvent['state'], generation = 1): StateEvent {
    return {
        session_id: SESSION,
        seq,
        state,
        previous_state: 'active',
        reason: `at ${seq}`,
        generation,
        host_uid: 100 + generation,
        reconnect_deadline: state === 'error' ? '2026-01-01T00:01:00Z' : null,
        server_time: '2026-01-01T00:00:00Z',
    }
}

describe('a stream’s state', () => {
    it('is the newest, in whatever order its events come', () => {
        const states = fc.array(fc.constantFrom<StateEvent['state']>('active', 'paused', 'error'), {
            minLength: 1,
            maxLength: 8,
        })
        fc.assert(
            fc.property(states, fc.infiniteStream(fc.nat()), (list, dice) => {
                const events = list.map((state, index) => event(index + 1, state))
                const order = [...events].sort(() => ((dice.next().value ?? 0) % 2 === 0 ? 1 : -1))
                const store = new StreamStore(SESSION)
                for (const one of order) store.applyState(one)
                expect(store.snapshot).toMatchObject({ state: list.at(-1), stateReason: `at ${list.length}` })
            }),
            { numRuns: 100, seed: 7 }
        )
    })

    it('is not taken back by an answer that was read before', () => {
        const { stream } = bench()
        const store = new StreamStore(SESSION)
        const older = stream.sync()
        store.applyState(event(4, 'paused'))
        store.apply(older)
        expect(store.snapshot.state).toBe('paused')
        store.apply({ ...older, head_seq: 4, state: 'active' })
        expect(store.snapshot.state).toBe('active')
    })

    it('begins anew with another epoch', () => {
        const { stream } = bench()
        const store = new StreamStore(SESSION)
        store.apply({ ...stream.sync(), head_seq: 80 })
        store.applyState(event(90, 'paused', 5))
        expect(store.snapshot.state).toBe('paused')
        store.apply({ ...stream.sync(), epoch: 'e2', head_seq: 2, generation: 1 })
        expect(store.snapshot).toMatchObject({ state: 'active', generation: 1, hostUid: 101 })
    })

    it('loses the reason of the state before when an answer moves it, and keeps its own', () => {
        const { stream } = bench()
        const store = new StreamStore(SESSION)
        const answer = { ...stream.sync(), head_seq: 4 }
        store.applyState(event(4, 'paused'))
        store.apply({ ...answer, state: 'paused' })
        expect(store.snapshot.stateReason).toBe('at 4')
        store.apply({ ...answer, head_seq: 5, state: 'active' })
        expect(store.snapshot).toMatchObject({ state: 'active', stateReason: null })
        store.applyState(event(6, 'paused'))
        const beat = { ...answer, head_seq: 7, status: 'ok', next_in_ms: 15_000, reconnect_deadline: null, token: null }
        store.applyHeartbeat({ ...beat, state: 'active' } as HeartbeatResult)
        expect(store.snapshot).toMatchObject({ state: 'active', stateReason: null })
    })

    it('begins anew with a log that was shortened, and is not taken back by an answer that was read before', async () => {
        const { connect, client, supabase, stream, clock, dispose } = bench()
        stream.headSeq = 50
        await connect()
        const store = client.connection.connection?.store
        expect(store?.snapshot.state).toBe('active')
        stream.headSeq = 10
        stream.state = 'paused'
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('resync', { session_id: SESSION, reason: 'restored' })
        await clock.advance(3_000)
        expect(store?.snapshot.state).toBe('paused')
        // The event overtakes the answer of a sync under way.
        supabase.callMs = 1_000
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('resync', { session_id: SESSION, reason: 'restored' })
        const syncs = supabase.count('sync')
        while (supabase.count('sync') === syncs) await clock.advance(100)
        supabase.realtime.find(`stream:${SESSION}`)?.broadcast('state', event(11, 'error'))
        await clock.advance(2_000)
        expect(store?.snapshot.state).toBe('error')
        await dispose()
    })

    it('begins anew with a heartbeat that names less than the one before', async () => {
        const { connect, client, stream, clock, dispose } = bench()
        stream.headSeq = 50
        await connect()
        await clock.advance(16_000)
        stream.headSeq = 10
        stream.generation = 1
        stream.state = 'paused'
        await clock.advance(16_000)
        expect(client.connection.connection?.store.snapshot.state).toBe('paused')
        await dispose()
    })

    it('keeps the newest count, and is the same object while nothing changes', () => {
        const store = new StreamStore(SESSION)
        const count = { session_id: SESSION, viewer_count: 5, peak: 9, server_time: '2026-01-01T00:00:05Z' }
        store.applyViewerCount(count)
        const { snapshot } = store
        store.applyViewerCount({ ...count, viewer_count: 3, server_time: '2026-01-01T00:00:04Z' })
        store.applyViewerCount(count)
        expect(store.snapshot).toBe(snapshot)
        expect(snapshot).toMatchObject({ viewerCount: 5, peakViewerCount: 9 })
    })

    it('has a deadline only while the host is lost', () => {
        const { stream } = bench()
        const store = new StreamStore(SESSION)
        store.applyState(event(4, 'error'))
        expect(store.snapshot.reconnectDeadline).toEqual(new Date('2026-01-01T00:01:00Z'))
        store.apply({ ...stream.sync(), head_seq: 5, state: 'active' })
        expect(store.snapshot.reconnectDeadline).toBeNull()
    })
})
