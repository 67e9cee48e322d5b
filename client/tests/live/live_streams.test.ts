/** The list of live streams: right after a sleep, a refusal and a lost network, and gone when nobody shows it. */

import { beforeEach, expect, test } from 'vitest'
import { holdLiveStreams } from '../../src/live/held_lists.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeServer, NO_FAULTS } from '../fake_server/fake_server.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'

const OTHER = '00000000-0000-4000-8000-000000000002'

let server: FakeServer
let ada: Device

beforeEach(() => {
    server = new FakeServer(new ServerTime(), new Dice(1))
    server.open(SESSION, SELLER)
    ada = new Device(server, ADA)
})

test('what began while the device slept is in the list after the wake', async () => {
    const { list } = holdLiveStreams(ada.client, 50)
    await server.clock.advance(2_000)
    expect(list.snapshot).toMatchObject({ status: 'ready', streams: [{ sessionId: SESSION }] })
    ada.fallAsleep()
    server.open(OTHER, SELLER)
    server.clock.sleep(600_000)
    ada.wakeUp()
    await server.clock.advance(3_000)
    expect(list.snapshot.streams.map(({ sessionId }) => sessionId)).toEqual([OTHER, SESSION])
    expect(server.listeners.size).toBe(1)
})

test('resync reads the list again: a beginning whose event was lost is in it, an end too', async () => {
    const { list } = holdLiveStreams(ada.client, 50)
    await server.clock.advance(2_000)
    server.open(OTHER, SELLER)
    server.logs.delete(SESSION)
    server.broadcast('live', 'resync', { session_id: null, reason: 'no_partition', server_time: 'now' })
    await server.clock.advance(3_000)
    expect(list.snapshot.streams.map(({ sessionId }) => sessionId)).toEqual([OTHER])
})

test('a list that cannot be read says why, and comes by itself', async () => {
    server.isDown = true
    const { list } = holdLiveStreams(ada.client, 50)
    await server.clock.advance(30_000)
    expect(list.snapshot).toMatchObject({ status: 'error', streams: [] })
    expect(list.snapshot.error).not.toBeNull()
    server.isDown = false
    await server.clock.advance(60_000)
    expect(list.snapshot).toMatchObject({ status: 'ready', error: null, streams: [{ sessionId: SESSION }] })
})

test('the list is read without Realtime, with the error, and again when its topic is joined', async () => {
    server.isRealtimeDown = true
    const { list, release } = holdLiveStreams(ada.client, 50)
    await server.clock.advance(3_000)
    expect(list.snapshot).toMatchObject({ status: 'ready', streams: [{ sessionId: SESSION }] })
    expect(list.snapshot.error?.code).toBe('realtime_unavailable')
    server.open(OTHER, SELLER)
    await server.clock.advance(60_000)
    expect(list.snapshot.streams).toHaveLength(2)
    server.isRealtimeDown = false
    await server.clock.advance(60_000)
    expect(list.snapshot.error).toBeNull()
    expect(server.listeners.size).toBe(1)
    release()
    await server.clock.advance(5_000)
    expect(server.clock.pending).toBe(0)
})

test('a broken socket is repaired with jitter, and one list serves all who show it', async () => {
    const one = holdLiveStreams(ada.client, 50)
    const other = holdLiveStreams(ada.client, 50)
    expect(other.list).toBe(one.list)
    await server.clock.advance(2_000)
    server.cut()
    server.open(OTHER, SELLER)
    await server.clock.advance(10_000)
    expect(one.list.snapshot.streams).toHaveLength(2)
    expect(server.joins.filter(({ topic }) => topic === 'live')).toHaveLength(2)
    one.release()
    await server.clock.advance(5_000)
    expect(server.listeners.size).toBe(1)
    other.release()
    await server.clock.advance(5_000)
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
})

test('pages add up without doubles, and a stream that this user may not watch is left out', async () => {
    for (let no = 2; no <= 6; no++) server.open(`00000000-0000-4000-8000-00000000000${no}`, SELLER)
    const { list } = holdLiveStreams(ada.client, 4)
    await server.clock.advance(2_000)
    expect(list.snapshot).toMatchObject({ hasMore: true })
    const more = list.loadMore()
    await server.clock.advance(1_000)
    await more
    expect(list.snapshot.streams.map(({ sessionId }) => Number(sessionId.at(-1)))).toEqual([6, 5, 4, 3, 2, 1])
    expect(list.snapshot.hasMore).toBe(false)
    const event = { session_id: 'hidden', auction_id: 'hidden', state: 'active', server_time: 'now' }
    server.broadcast('live', 'live', event)
    await server.clock.advance(3_000)
    expect(list.snapshot).toMatchObject({ status: 'ready', error: null })
    expect(list.snapshot.streams).toHaveLength(6)
})

test('a page that does not come leaves what is shown, with the error', async () => {
    for (let no = 2; no <= 6; no++) server.open(`00000000-0000-4000-8000-00000000000${no}`, SELLER)
    const { list } = holdLiveStreams(ada.client, 4)
    await server.clock.advance(2_000)
    server.faults = { ...NO_FAULTS, loseRequest: 1 }
    const more = list.loadMore()
    await server.clock.advance(60_000)
    await more
    expect(list.snapshot.streams).toHaveLength(4)
    expect(list.snapshot.error?.code).toBe('unreachable')
})

test('a client that is disposed of ends its lists, and opens no other', async () => {
    const { list } = holdLiveStreams(ada.client, 50)
    await server.clock.advance(2_000)
    const disposed = ada.client.dispose()
    await server.clock.advance(1_000)
    await disposed
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
    expect(list.snapshot.status).toBe('ready')
    expect(() => holdLiveStreams(ada.client, 50)).toThrow(expect.objectContaining({ code: 'disposed' }))
})
