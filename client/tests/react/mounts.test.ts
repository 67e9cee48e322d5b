/** A hundred mounts leave no client, no socket and no timer behind. */
// @vitest-environment jsdom

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createElement, Fragment } from 'react'
import { expect, test } from 'vitest'
import { useChat, useConnectionState, useLiveStreams, useStream, useViewerCount } from '../../src/react.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'
import { Page, probe } from './page.ts'

const CONFIG = { sessionId: SESSION, userId: ADA }
const MOUNTS = 100

setFlagsFromString('--expose_gc')
const collectGarbage = runInNewContext('gc') as () => void

const everything = () =>
    createElement(
        Fragment,
        null,
        probe(() => useChat(CONFIG), []),
        probe(() => useStream(CONFIG), []),
        probe(() => useViewerCount(CONFIG), []),
        probe(() => useConnectionState(CONFIG), []),
        probe(() => useLiveStreams(), [])
    )

function serve(): FakeServer {
    const server = new FakeServer(new ServerTime(), new Dice(1))
    server.open(SESSION, SELLER)
    return server
}

/** Mounts and unmounts with a client of its own; returns what must be gone afterwards. */
async function mountOnce(server: FakeServer): Promise<WeakRef<object>[]> {
    const ada = new Device(server, ADA)
    const page = new Page(server.clock)
    await page.show(ada.client, everything())
    await page.advance(2_000)
    const held = ada.client.findChat(SESSION)
    expect(held?.snapshot.status).toBe('live')
    const channels = ada.supabase.realtime.getChannels()
    expect(channels.length).toBe(5)
    const refs = [ada.client, ada.supabase, held as object, ...channels].map((object) => new WeakRef<object>(object))
    await page.close()
    const disposed = ada.client.dispose()
    await page.advance(3_000)
    await disposed
    expect(ada.lifecycle.listenerCount).toBe(0)
    return refs
}

test('clients of their own are collected, with their sockets and timers', async () => {
    const server = serve()
    const refs: WeakRef<object>[] = []
    for (let no = 0; no < MOUNTS; no++) refs.push(...(await mountOnce(server)))
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
    // What an answer under way holds goes with the turn of the loop.
    await server.clock.settle()
    server.calls.length = 0
    collectGarbage()
    await new Promise((resolve) => setTimeout(resolve))
    collectGarbage()
    expect(refs.filter((ref) => ref.deref() !== undefined)).toHaveLength(0)
}, 60_000)

test('one client that is mounted a hundred times holds nothing after the last', async () => {
    const server = serve()
    const ada = new Device(server, ADA)
    const page = new Page(server.clock)
    for (let no = 0; no < MOUNTS; no++) {
        await page.show(ada.client, everything())
        await page.advance(no % 10 === 0 ? 2_000 : 20)
        await page.show(ada.client, createElement('div'))
        await page.advance(no % 7 === 0 ? 3_000 : 100)
    }
    await page.close()
    await page.advance(3_000)
    expect([server.listeners.size, server.clock.pending]).toEqual([0, 0])
    expect(ada.supabase.realtime.getChannels()).toEqual([])
}, 60_000)
