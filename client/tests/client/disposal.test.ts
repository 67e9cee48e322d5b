/** The end of a client: everything at once, and nothing after it. */

import { expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'

const OTHER = { ...CONFIG, sessionId: '33333333-3333-4333-8333-333333333333' }

it('ends every connection before it waits for any of them to leave', async () => {
    const { client, connect, clock, supabase } = bench()
    await connect()
    const other = client.hold(OTHER)
    await clock.advance(1_000)
    supabase.callMs = 9_000
    const disposed = client.dispose()
    expect(other.connection.state).toBe('disconnected')
    expect(supabase.realtime.channels).toEqual([])
    await clock.advance(10_000)
    await disposed
    expect(supabase.count('remove_viewer')).toBe(2)
    expect(clock.pending).toBe(0)
})

it('starts no timer for what is let go of afterwards', async () => {
    const { client, clock, dispose } = bench()
    const [held, chat] = [client.hold(CONFIG), client.holdChat(OTHER)]
    await clock.advance(1_000)
    await dispose()
    await held.release()
    chat.release()
    expect(clock.pending).toBe(0)
})
