/** Hooks: data and status, shared connections, nothing thrown and nothing torn. */
// @vitest-environment jsdom

import { createElement, Fragment } from 'react'
import { beforeEach, expect, test } from 'vitest'
import {
    type Chat,
    useChat,
    useConnectionState,
    useLiveStreams,
    useStream,
    useStreamError,
    useViewerCount,
} from '../../src/react.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'
import { Page, probe } from './page.ts'

const CONFIG = { sessionId: SESSION, userId: ADA }

let server: FakeServer
let ada: Device
let page: Page

beforeEach(() => {
    server = new FakeServer(new ServerTime(), new Dice(1))
    server.open(SESSION, SELLER)
    ada = new Device(server, ADA)
    page = new Page(server.clock)
})

test('a chat is idle without a stream, then live with its messages', async () => {
    const seen: Chat[] = []
    await page.show(
        ada.client,
        probe(() => useChat(null), seen)
    )
    expect(seen.at(-1)).toMatchObject({ status: 'idle', messages: [] })
    // A new object for every render means the same stream.
    await page.show(
        ada.client,
        probe(() => useChat({ ...CONFIG }), seen)
    )
    await page.advance(2_000)
    expect(seen.at(-1)).toMatchObject({ status: 'live', lastSeq: 1, recovered: true })
    server.log(SESSION).send(SELLER, 'hello', 'id-1')
    server.flush(SESSION)
    await page.advance(100)
    expect(seen.at(-1)?.messages.map(({ content }) => content)).toEqual(['Something happened.', 'hello'])
    await page.close()
})

test('a message is shown as pending, then as sent, and a refused one as failed until it is retried', async () => {
    const seen: Chat[] = []
    await page.show(
        ada.client,
        probe(() => useChat(CONFIG), seen)
    )
    await page.advance(2_000)
    const statusOf = (content: string) => seen.at(-1)?.messages.find((one) => one.content === content)?.status
    await page.do(() => void seen.at(-1)?.send('one'))
    expect(statusOf('one')).toBe('pending')
    await page.advance(1_000)
    expect(statusOf('one')).toBe('sent')

    server.log(SESSION).restrict(ADA, { kind: 'mute', until: null, reason: null })
    await page.do(() => void seen.at(-1)?.send('two'))
    await page.advance(1_000)
    expect(statusOf('two')).toBe('failed')
    expect(seen.at(-1)?.messages.at(-1)?.error?.code).toBe('muted')
    server.log(SESSION).lift(ADA, 'mute')
    const failed = seen.at(-1)?.messages.at(-1)?.id ?? ''
    await page.do(() => seen.at(-1)?.retry(failed))
    await page.advance(1_000)
    expect(statusOf('two')).toBe('sent')
    expect(server.log(SESSION).entries.filter(({ content }) => content === 'two')).toMatchObject([{ id: failed }])
    await page.close()
})

test('hooks of one stream share one join, one connection and one log', async () => {
    const chats: Chat[] = []
    const streams: ReturnType<typeof useStream>[] = []
    const counts: ReturnType<typeof useViewerCount>[] = []
    const states: ReturnType<typeof useConnectionState>[] = []
    const all = [
        probe(() => useChat(CONFIG), chats),
        probe(() => useChat(CONFIG), []),
        probe(() => useStream(CONFIG), streams),
        probe(() => useViewerCount(CONFIG), counts),
        probe(() => useConnectionState(CONFIG), states),
    ]
    await page.show(ada.client, createElement(Fragment, null, ...all))
    await page.advance(2_000)
    expect(server.calls.map(({ name }) => name)).toEqual(['join_stream', 'sync'])
    expect(server.listeners.size).toBe(4)
    expect(streams.at(-1)).toMatchObject({
        status: 'ready',
        state: 'active',
        role: 'viewer',
        connectionState: 'connected',
    })
    expect(states.at(-1)).toMatchObject({ state: 'connected', error: null })
    const event = { session_id: SESSION, viewer_count: 3, peak: 5, server_time: server.log(SESSION).serverTime() }
    server.broadcast(`viewers:${SESSION}`, 'viewer_count', event)
    await page.advance(100)
    expect(counts.at(-1)).toEqual({ status: 'ready', viewerCount: 3, peakViewerCount: 5 })
    await page.close()
})

test('an unmounted view that comes back within 2.5 s finds its messages without another join', async () => {
    const seen: Chat[] = []
    const streams: ReturnType<typeof useStream>[] = []
    const both = () =>
        createElement(
            Fragment,
            null,
            probe(() => useChat(CONFIG), seen),
            probe(() => useStream(CONFIG), streams)
        )
    await page.show(ada.client, both())
    await page.advance(2_000)
    await page.show(ada.client, createElement('div'))
    await page.advance(2_000)
    const [from, streamsFrom] = [seen.length, streams.length]
    await page.show(ada.client, both())
    expect(streams[streamsFrom]).toMatchObject({ status: 'ready', state: 'active', connectionState: 'connected' })
    expect(seen[from]).toMatchObject({ status: 'live', lastSeq: 1 })
    expect(server.calls.filter(({ name }) => name === 'join_stream')).toHaveLength(1)
    await page.close()
    await page.advance(3_000)
    expect(server.calls.filter(({ name }) => name === 'remove_viewer')).toHaveLength(1)
    expect(server.clock.pending).toBe(0)
})

test('the error that ends a connection is shown, and reconnecting clears it', async () => {
    const errors: ReturnType<typeof useStreamError>[] = []
    const chats: Chat[] = []
    const all = [probe(() => useStreamError(CONFIG), errors), probe(() => useChat(CONFIG), chats)]
    await page.show(ada.client, createElement(Fragment, null, ...all))
    await page.advance(2_000)
    expect(errors.at(-1)?.error).toBeNull()
    const event = { session_id: SESSION, restriction: 'ban', is_in_force: true, until: null, server_time: 'now' }
    server.broadcast(`user:${ADA}`, 'revoked', event)
    await page.advance(100)
    expect(errors.at(-1)?.error?.code).toBe('banned')
    expect(chats.at(-1)).toMatchObject({ status: 'failed' })
    await page.do(() => errors.at(-1)?.reconnect())
    await page.advance(3_000)
    expect(errors.at(-1)?.error).toBeNull()
    expect(chats.at(-1)).toMatchObject({ status: 'live' })
    await page.close()
})

test('without a provider, and after the client was disposed of, hooks show it and throw nothing', async () => {
    const seen: Chat[] = []
    const streams: ReturnType<typeof useStream>[] = []
    const hooks = () =>
        createElement(
            Fragment,
            null,
            probe(() => useChat(CONFIG), seen),
            probe(() => useStream(CONFIG), streams)
        )
    await page.show(null, hooks())
    expect(seen.at(-1)?.status).toBe('idle')
    await expect(seen.at(-1)?.send('nobody hears it')).rejects.toMatchObject({ code: 'disposed' })
    await ada.client.dispose()
    await page.show(ada.client, hooks())
    expect(seen.at(-1)).toMatchObject({ status: 'failed', error: { code: 'disposed' } })
    expect(streams.at(-1)).toMatchObject({ status: 'error', error: { code: 'disposed' } })
    await page.close()
})

test('no render mixes two states of one store', async () => {
    const torn: string[] = []
    const both: string[][] = []
    const first = () => useChat(CONFIG).lastSeq
    function Pair(): null {
        both.push([String(first()), String(useChat(CONFIG).lastSeq)])
        return null
    }
    await page.show(ada.client, createElement(Pair))
    await page.advance(2_000)
    for (let no = 0; no < 20; no++) {
        server.log(SESSION).send(SELLER, `hello ${no}`, `id-${no}`)
        server.flush(SESSION)
        await page.advance(40)
    }
    for (const [one, other] of both) if (one !== other) torn.push(`${one} ${other}`)
    expect(torn).toEqual([])
    expect(both.at(-1)).toEqual(['21', '21'])
    await page.close()
})

test('the list of live streams follows beginnings and ends', async () => {
    const seen: ReturnType<typeof useLiveStreams>[] = []
    await page.show(
        ada.client,
        probe(() => useLiveStreams({ pageSize: 1 }), seen)
    )
    await page.advance(2_000)
    expect(seen.at(-1)).toMatchObject({ status: 'ready', hasMore: false })
    expect(seen.at(-1)?.streams.map(({ sessionId }) => sessionId)).toEqual([SESSION])
    const other = '00000000-0000-4000-8000-000000000002'
    server.open(other, SELLER)
    const event = { session_id: other, auction_id: other, server_time: 'now' }
    server.broadcast('live', 'live', { ...event, state: 'active' })
    await page.advance(3_000)
    expect(seen.at(-1)?.streams.map(({ sessionId }) => sessionId)).toEqual([other, SESSION])
    server.broadcast('live', 'live', { ...event, state: 'ended' })
    await page.advance(100)
    expect(seen.at(-1)?.streams.map(({ sessionId }) => sessionId)).toEqual([SESSION])
    // A broken socket is repaired, and what began meanwhile is in the list then.
    server.cut()
    await page.advance(30_000)
    expect(seen.at(-1)?.streams.map(({ sessionId }) => sessionId)).toEqual([other])
    await page.do(() => void seen.at(-1)?.loadMore())
    await page.advance(100)
    expect(seen.at(-1)?.streams.map(({ sessionId }) => sessionId)).toEqual([other, SESSION])
    await page.close()
    await page.advance(3_000)
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
})
