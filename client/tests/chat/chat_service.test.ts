/** The seed's chat service, with the stream's chat open and without. */

import { beforeEach, expect, test } from 'vitest'
import type { StreamClient } from '../../src/index.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import type { FakeLog } from '../fake_server/fake_log.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'

let server: FakeServer
let log: FakeLog
let client: StreamClient

beforeEach(() => {
    server = new FakeServer(new ServerTime(), new Dice(1))
    log = server.open(SESSION, SELLER)
    client = new Device(server, ADA).client
})

/** Lets a call be answered. */
async function done<T>(promise: Promise<T>, ms = 5_000): Promise<T> {
    promise.catch(() => {})
    await server.clock.advance(ms)
    return promise
}

const write = (count: number) => {
    for (let no = 1; no <= count; no++) log.send(SELLER, `message ${no}`, `id-${no}`)
}

/** Another device of the user watches. */
const join = () => server.run('join_stream', ADA, { session_id: SESSION })

test('a message is sent without a chat, and shown by the chat that is open', async () => {
    // Nobody is about to take the place.
    await expect(done(client.chat.sendMessage(SESSION, ADA, 'too early'))).rejects.toMatchObject({ code: 'not_viewer' })
    join()
    expect(await done(client.chat.sendMessage(SESSION, ADA, 'first'))).toMatchObject({
        sessionId: SESSION,
        userId: ADA,
        content: 'first',
        seq: 2,
        messageType: 'user_message',
        status: 'sent',
    })
    const { chat, release } = client.holdChat({ sessionId: SESSION, userId: ADA })
    await server.clock.advance(2_000)
    const sent = client.chat.sendMessage(SESSION, ADA, 'second')
    expect(chat.snapshot.messages.at(-1)).toMatchObject({ content: 'second', status: 'pending' })
    expect(await done(sent)).toMatchObject({ seq: 3 })
    release()
})

test('a refused message rejects with the code of the refusal', async () => {
    join()
    log.restrict(ADA, { kind: 'mute', until: null, reason: null })
    await expect(done(client.chat.sendMessage(SESSION, ADA, 'hello'))).rejects.toMatchObject({ code: 'muted' })
})

test('a send can be cancelled: what was not on its way is never sent', async () => {
    const { chat } = client.holdChat({ sessionId: SESSION, userId: ADA })
    await server.clock.advance(2_000)
    const [first, second] = [new AbortController(), new AbortController()]
    const sends = [
        client.chat.sendMessage(SESSION, ADA, 'one', { signal: first.signal }),
        client.chat.sendMessage(SESSION, ADA, 'two', { signal: second.signal }),
    ]
    second.abort()
    await expect(sends[1]).rejects.toMatchObject({ code: 'aborted' })
    await done(sends[0] as Promise<unknown>)
    expect(log.entries.map(({ content }) => content)).toEqual(['Something happened.', 'one'])
    expect(chat.snapshot.messages).toHaveLength(2)
    const given = AbortSignal.abort()
    await expect(client.chat.sendMessage(SESSION, ADA, 'three', { signal: given })).rejects.toMatchObject({
        code: 'aborted',
    })
})

test('history of more than a page comes in order, by number, though messages arrive meanwhile', async () => {
    write(700)
    const history = client.chat.getMessageHistory(SESSION, 500, 10)
    server.clock.after(40, () => write(0))
    server.clock.after(60, () => log.send(SELLER, 'meanwhile', 'late'))
    const messages = await done(history)
    expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, index) => 701 - 10 - 499 + index))
    expect(server.calls.filter(({ name }) => name === 'get_message_history')).toHaveLength(3)
    expect(await done(client.chat.getMessageHistory(SESSION, 50, 690))).toHaveLength(12)
    expect(await done(client.chat.getMessageHistory(SESSION, 0, 0))).toEqual([])
})

test('everything after a message is fetched, however much it is', async () => {
    write(2_300)
    const messages = await done(client.chat.syncMessages(SESSION, 'id-100'))
    expect(messages.map(({ id }) => id)).toEqual(Array.from({ length: 2_200 }, (_, index) => `id-${101 + index}`))
    await expect(done(client.chat.syncMessages(SESSION, 'gone'))).rejects.toMatchObject({ code: 'message_not_found' })
})

test('a subscription joins the stream and follows its chat until it is ended', async () => {
    const subscription = await done(client.chat.subscribeToChat(SESSION, ADA))
    expect(subscription).toMatchObject({ sessionId: SESSION, userId: ADA, channel: `chat:${SESSION}`, isActive: true })
    expect(client.findChat(SESSION)?.snapshot.status).toBe('live')
    const again = await done(client.chat.subscribeToChat(SESSION, ADA))
    expect(again.id).toBe(subscription.id)
    await done(client.chat.unsubscribeFromChat(subscription.id))
    expect(client.findChat(SESSION)).toBeUndefined()
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
})

test('a subscription that is refused or given up holds nothing', async () => {
    server.isDown = true
    const controller = new AbortController()
    const given = client.chat.subscribeToChat(SESSION, ADA, { signal: controller.signal })
    controller.abort()
    await expect(done(given)).rejects.toMatchObject({ code: 'aborted' })
    expect(client.findChat(SESSION)).toBeUndefined()
    expect(server.clock.pending).toBe(0)
})

test('a signal that is aborted already connects nothing, and leaves no rejection to nobody', async () => {
    const rejections: unknown[] = []
    const note = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', note)
    try {
        const given = client.chat.subscribeToChat(SESSION, ADA, { signal: AbortSignal.abort() })
        await expect(given).rejects.toMatchObject({ code: 'aborted' })
        const found = client.findChat(SESSION)
        server.isDown = true
        await server.clock.advance(10_000)
        expect(rejections).toEqual([])
        expect(found).toBeUndefined()
    } finally {
        process.off('unhandledRejection', note)
    }
})

test('marks go as one call from an open chat, and in thousands without one', async () => {
    write(1_500)
    const ids = Array.from({ length: 1_500 }, (_, index) => `id-${index + 1}`)
    await done(client.chat.markMessagesAsRead(SESSION, ADA, ids))
    expect(server.calls.map(({ name }) => name)).toEqual(['mark_messages_as_read', 'mark_messages_as_read'])
    expect(log.reads.get(ADA)).toEqual([[2, 1_501]])
    client.holdChat({ sessionId: SESSION, userId: ADA })
    await server.clock.advance(2_000)
    const before = server.calls.length
    void client.chat.markMessagesAsRead(SESSION, ADA, ['id-1'])
    await done(client.chat.markMessagesAsRead(SESSION, ADA, ['id-2']))
    expect(server.calls.slice(before).map(({ name }) => name)).toEqual(['mark_messages_as_read'])
})

test('a client that is disposed of refuses all of it', async () => {
    const { chat } = client.holdChat({ sessionId: SESSION, userId: ADA })
    await server.clock.advance(2_000)
    const { stored } = chat.send('never answered')
    const disposed = client.dispose()
    await expect(stored).rejects.toMatchObject({ code: 'disposed' })
    await done(disposed)
    await expect(client.chat.sendMessage(SESSION, ADA, 'late')).rejects.toMatchObject({ code: 'disposed' })
    await expect(client.chat.subscribeToChat(SESSION, ADA)).rejects.toMatchObject({ code: 'disposed' })
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
})
