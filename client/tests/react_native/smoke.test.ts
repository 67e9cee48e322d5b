/** The client on the real renderer of React Native: a chat is shown, sleeps with the app, and is whole again after it. */

import { act, render, screen } from '@testing-library/react-native'
import { createElement, type ReactElement } from 'react'
import { AppState, FlatList, Text } from 'react-native'
import { createStreamClient } from '../../src/index.ts'
import { StreamProvider, useChat, useConnectionState } from '../../src/react.ts'
import { reactNativeLifecycle } from '../../src/react_native.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { FakeSupabase } from '../fake_server/fake_supabase.ts'
import { ServerTime } from '../fake_server/server_time.ts'

const SESSION = '00000000-0000-4000-8000-000000000001'
const SELLER = '00000000-0000-4000-8000-0000000000aa'
const ADA = '00000000-0000-4000-8000-0000000000ab'
const CONFIG = { sessionId: SESSION, userId: ADA }

function Chat(): ReactElement {
    const { messages } = useChat(CONFIG)
    const { state } = useConnectionState(CONFIG)
    const renderItem = ({ item }: { item: string }) => createElement(Text, null, item)
    const data = [state as string, ...messages.map(({ content, status }) => `${content}: ${status}`)]
    return createElement(FlatList<string>, { data, renderItem, keyExtractor: (item) => item })
}

test('a chat is shown, and after the app was in the background it is whole again', async () => {
    const server = new FakeServer(new ServerTime(), new Dice(1))
    const log = server.open(SESSION, SELLER)
    const supabase = new FakeSupabase(server, ADA)
    const listeners = new Set<(state: string) => void>()
    jest.spyOn(AppState, 'addEventListener').mockImplementation((_, listener) => {
        listeners.add(listener as (state: string) => void)
        return { remove: () => void listeners.delete(listener as (state: string) => void) } as never
    })
    const change = (state: string) =>
        act(async () => {
            for (const tell of [...listeners]) tell(state)
        })
    const advance = (ms: number) => act(async () => server.clock.advance(ms))

    const lifecycle = reactNativeLifecycle({ AppState })
    const client = createStreamClient({ supabase, lifecycle, clock: server.clock, random: new Dice(2) })
    const app = await render(createElement(StreamProvider, { client }, createElement(Chat)))
    await advance(2_000)
    expect(screen.getByText('connected')).toBeTruthy()
    log.send(SELLER, 'hello', 'id-1')
    server.flush(SESSION)
    await advance(100)
    expect(screen.getByText('hello: sent')).toBeTruthy()

    await change('background')
    supabase.isOnline = false
    await act(async () => server.cut())
    log.send(SELLER, 'you missed this', 'id-2')
    server.flush(SESSION)
    server.clock.sleep(600_000)
    supabase.isOnline = true
    await change('active')
    await advance(3_000)
    expect(screen.getByText('you missed this: sent')).toBeTruthy()

    await app.unmount()
    const disposed = client.dispose()
    await advance(3_000)
    await disposed
    expect([server.listeners.size, server.clock.pending, listeners.size]).toEqual([0, 0, 0])
})
