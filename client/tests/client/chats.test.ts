/** Chats and the connections that feed them: late comers, sleeps, restarts, and what the user's own topic says. */

import { beforeEach, expect, test } from 'vitest'
import { MemoryStorage } from '../chat/chat_bench.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import type { FakeLog } from '../fake_server/fake_log.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'

const CONFIG = { sessionId: SESSION, userId: ADA }

let server: FakeServer
let log: FakeLog

beforeEach(() => {
    server = new FakeServer(new ServerTime(), new Dice(1))
    log = server.open(SESSION, SELLER)
})

test('a chat that is opened while the stream is connected gets the log, and the manager keeps the connection', async () => {
    const { client } = new Device(server, ADA)
    const connected = client.connection.connect(CONFIG)
    await server.clock.advance(2_000)
    await connected
    const { chat, release } = client.holdChat(CONFIG)
    await server.clock.advance(1_000)
    expect(chat.snapshot).toMatchObject({ status: 'live', lastSeq: 1 })
    release()
    await server.clock.advance(5_000)
    expect(client.findChat(SESSION)).toBeUndefined()
    expect(client.connection.getConnectionState()).toBe('connected')
    expect(server.calls.filter(({ name }) => name === 'join_stream')).toHaveLength(1)
})

test('what is written while the device sleeps waits for the wake, and goes once', async () => {
    const ada = new Device(server, ADA)
    const { chat } = ada.watch(SESSION)
    await server.clock.advance(2_000)
    ada.fallAsleep()
    server.cut()
    const calls = server.calls.length
    chat.send('good night')
    await server.clock.advance(60_000)
    expect(server.calls.length).toBe(calls)
    expect(chat.snapshot.messages.at(-1)).toMatchObject({ status: 'pending' })
    ada.wakeUp()
    await server.clock.advance(5_000)
    expect(chat.snapshot.messages.at(-1)).toMatchObject({ content: 'good night', status: 'sent' })
    expect(log.entries.filter(({ content }) => content === 'good night')).toHaveLength(1)
})

test('what was written while the device slept goes over calls, though Realtime stays away after the wake', async () => {
    for (const transport of ['rpc', 'edge'] as const) {
        const ada = new Device(server, ADA, transport)
        const { chat, release } = ada.watch(SESSION)
        await server.clock.advance(2_000)
        ada.fallAsleep()
        server.cut()
        const content = `by ${transport}`
        chat.send(content)
        server.isRealtimeDown = true
        ada.wakeUp()
        await server.clock.advance(15_000)
        expect(log.entries.at(-1)).toMatchObject({ content })
        // Once more, while polls find nothing new.
        await server.clock.advance(15_000)
        ada.fallAsleep()
        chat.send(`${content} again`)
        await server.clock.advance(1_000)
        ada.wakeUp()
        await server.clock.advance(15_000)
        expect(log.entries.at(-1)).toMatchObject({ content: `${content} again` })
        server.isRealtimeDown = false
        release()
        await server.clock.advance(60_000)
    }
})

test('a restart of the app finds the message whose answer it never got', async () => {
    const storage = new MemoryStorage()
    const before = new Device(server, ADA, 'rpc', storage)
    const held = before.watch(SESSION)
    await server.clock.advance(2_000)
    server.faults = { ...server.faults, loseAnswer: 1 }
    const { id } = held.chat.send('hello').message
    await server.clock.advance(100)
    const disposed = before.client.dispose()
    await server.clock.advance(1_000)
    await disposed
    server.faults = { ...server.faults, loseAnswer: 0 }

    const after = new Device(server, ADA, 'rpc', storage)
    const { chat } = after.watch(SESSION)
    await server.clock.advance(0)
    expect(chat.snapshot.messages).toMatchObject([{ id, content: 'hello', status: 'pending' }])
    await server.clock.advance(5_000)
    expect(chat.snapshot.messages.filter(({ content }) => content === 'hello')).toMatchObject([{ id, status: 'sent' }])
    expect(log.entries.filter((entry) => entry.id === id)).toHaveLength(1)
    expect(storage.texts.size).toBe(0)
})

test('a mute is known by the topic of the user, though its entry of the log is lost', async () => {
    const { chat } = new Device(server, ADA).watch(SESSION)
    await server.clock.advance(2_000)
    const event = { session_id: SESSION, restriction: 'mute', is_in_force: true, until: null }
    server.broadcast(`user:${ADA}`, 'restricted', { ...event, server_time: log.serverTime() })
    await server.clock.advance(100)
    expect(chat.snapshot.restrictions).toMatchObject([{ kind: 'mute', until: null }])
})

test('the chat of a stream that ended has all of it, and says so', async () => {
    const { chat, connection } = new Device(server, ADA).watch(SESSION)
    await server.clock.advance(2_000)
    log.send(SELLER, 'goodbye', 'id-1')
    log.state = 'ended'
    // Its last frame is lost.
    await server.clock.advance(40_000)
    expect(connection.state).toBe('disconnected')
    expect(chat.snapshot).toMatchObject({ status: 'ended', lastSeq: 2, error: { code: 'stream_ended' } })
    chat.send('too late').stored.catch(() => {})
    await server.clock.advance(5_000)
    expect(chat.snapshot.messages.at(-1)).toMatchObject({ status: 'failed', error: { code: 'stream_ended' } })
})

test('a chat that is opened on a connection that has ended says why', async () => {
    const { client } = new Device(server, ADA)
    const connected = client.connection.connect(CONFIG)
    await server.clock.advance(2_000)
    await connected
    log.state = 'ended'
    await server.clock.advance(40_000)
    expect(client.connection.getConnectionState()).toBe('disconnected')
    const { chat } = client.holdChat(CONFIG)
    expect(chat.snapshot).toMatchObject({ status: 'ended', error: { code: 'stream_ended' } })
})

test('while its channel is away the chat says so, and asks for nothing', async () => {
    const { chat } = new Device(server, ADA).watch(SESSION)
    await server.clock.advance(2_000)
    server.isRealtimeDown = true
    server.cut()
    await server.clock.settle()
    expect(chat.snapshot.status).toBe('suspended')
    const syncs = () => server.calls.filter(({ name }) => name === 'sync').length
    const before = syncs()
    chat.takeFrame({ ...log.frame(5, 5), to_seq: 5, head_seq: 5 })
    await server.clock.advance(900)
    expect(syncs()).toBe(before)
})

test('two apps on one client share channels, and each may leave', async () => {
    const { client, supabase } = new Device(server, ADA)
    const [one, other] = [client.holdChat(CONFIG), client.holdChat(CONFIG)]
    await server.clock.advance(2_000)
    expect(supabase.realtime.getChannels()).toHaveLength(4)
    one.release()
    one.release()
    await server.clock.advance(5_000)
    log.send(SELLER, 'still here', 'id-1')
    server.flush(SESSION)
    await server.clock.advance(100)
    expect(other.chat.snapshot.lastSeq).toBe(2)
    other.release()
    await server.clock.advance(5_000)
    expect([supabase.realtime.getChannels().length, server.clock.pending]).toEqual([0, 0])
})
