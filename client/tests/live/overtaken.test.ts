/** Answers about live streams that are late: what was heard meanwhile counts, and Realtime's absence keeps no list away. */

import { beforeEach, expect, test } from 'vitest'
import { sleep } from '../../src/clock/sleep.ts'
import { LiveStreams } from '../../src/live/live_streams.ts'
import type { Channels } from '../../src/realtime/channels.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { ADA, SELLER } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'

const PAGE = 4
const id = (no: number) => `00000000-0000-4000-8000-00000000000${no}`
const shown = () => list.snapshot.streams.map(({ sessionId }) => Number(sessionId.at(-1)))

let server: FakeServer
let list: LiveStreams
/** How long answers are under way, by the name of the call. */
let answerMs: Record<string, number>
/** How much later than Realtime's the answer to a join comes. */
let joinMs: number

beforeEach(() => {
    server = new FakeServer(new ServerTime(), new Dice(1))
    for (let no = 1; no <= 6; no++) server.open(id(no), SELLER)
    answerMs = {}
    joinMs = 0
    const { core } = new Device(server, ADA).client
    const run: typeof core.calls.run = async (name, args, options) => {
        const lateMs = answerMs[name] ?? 0
        const result = await core.calls.run(name, args, options)
        await sleep(server.clock, lateMs)
        return result
    }
    const lease = core.channels.hold('live')
    const whenReady = async (signal?: AbortSignal) => {
        await lease.whenReady(signal)
        await sleep(server.clock, joinMs)
    }
    const channels = {
        prepare: (sleepNo: number) => core.channels.prepare(sleepNo),
        hold: () => ({ ...lease, whenReady }),
    } as unknown as Channels
    list = new LiveStreams({ ...core, calls: { run }, channels }, PAGE)
})

function tell(no: number, state: 'active' | 'ended'): void {
    const event = { session_id: id(no), auction_id: id(no), state, server_time: 'now' }
    server.broadcast('live', 'live', event)
}

function end(no: number): void {
    tell(no, 'ended')
    server.logs.delete(id(no))
}

function begin(no: number): void {
    server.open(id(no), SELLER)
    tell(no, 'active')
}

test('a stream that ends while the next page is under way stays away, on either page', async () => {
    await server.clock.advance(2_000)
    expect(shown()).toEqual([6, 5, 4, 3])
    answerMs.list_live_streams = 1_000
    const more = list.loadMore()
    await server.clock.advance(500)
    end(5)
    end(1)
    await server.clock.advance(3_000)
    await more
    expect(shown()).toEqual([6, 4, 3, 2])
    list.dispose()
})

test('a stream that ends while the list is read again, or while it is looked up, stays away', async () => {
    await server.clock.advance(2_000)
    answerMs = { list_live_streams: 1_000, get_live_stream: 5_000 }
    void list.refresh()
    begin(7)
    await server.clock.advance(500)
    end(6)
    await server.clock.advance(1_000)
    expect(shown()).toEqual([7, 5, 4])
    await server.clock.advance(1_000)
    end(7)
    await server.clock.advance(500)
    expect(shown()).toEqual([5, 4])
    await server.clock.advance(10_000)
    expect(shown()).toEqual([5, 4])
    list.dispose()
})

test('a stream that begins while the list is read again stays in it', async () => {
    await server.clock.advance(2_000)
    answerMs.list_live_streams = 5_000
    void list.refresh()
    await server.clock.advance(500)
    begin(7)
    await server.clock.advance(10_000)
    expect(shown()).toEqual([7, 6, 5, 4, 3])
    // One whose end was not heard is gone with the next reading.
    server.logs.delete(id(7))
    void list.refresh()
    await server.clock.advance(10_000)
    expect(shown()).toEqual([6, 5, 4, 3])
    list.dispose()
})

test('a page that was asked for before the list began anew is no part of it', async () => {
    await server.clock.advance(2_000)
    answerMs.list_live_streams = 5_000
    const more = list.loadMore()
    await server.clock.advance(500)
    answerMs.list_live_streams = 0
    server.open(id(7), SELLER)
    server.open(id(8), SELLER)
    void list.refresh()
    await server.clock.advance(10_000)
    await more
    expect(shown()).toEqual([8, 7, 6, 5])
    const next = list.loadMore()
    await server.clock.advance(1_000)
    await next
    expect(shown()).toEqual([8, 7, 6, 5, 4, 3, 2, 1])
    list.dispose()
})

test('a slow join keeps no list away, and what began before it is read then', async () => {
    joinMs = 5_000
    await server.clock.advance(3_000)
    expect(shown()).toEqual([6, 5, 4, 3])
    server.open(id(7), SELLER)
    await server.clock.advance(5_000)
    expect(shown()).toEqual([7, 6, 5, 4])
    list.dispose()
    await server.clock.settle()
    expect(server.clock.pending).toBe(0)
})
