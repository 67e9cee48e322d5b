/** Channels by reference counts: one join for all holders, left by the last. */

import { describe, expect, it } from 'vitest'
import { bench, CONFIG } from '../fakes/bench.ts'
import { SESSION } from '../fakes/fake_stream.ts'

async function joined(of: ReturnType<typeof bench>) {
    const { channels, wakes } = of.client.core
    await channels.prepare(wakes.sleepNo)
    const first = channels.hold('viewers', SESSION)
    const second = channels.hold('viewers', SESSION.toUpperCase())
    first.ensure()
    second.ensure()
    await of.clock.advance(100)
    return { first, second }
}

describe('two holders of a topic', () => {
    it('share one join, and hear the same', async () => {
        const of = bench()
        const { first, second } = await joined(of)
        const heard: unknown[] = []
        first.on('viewer_count', ({ viewer_count }) => heard.push(['first', viewer_count]))
        second.on('viewer_count', ({ viewer_count }) => heard.push(['second', viewer_count]))
        of.supabase.realtime.find(`viewers:${SESSION}`)?.broadcast('viewer_count', { viewer_count: 5 })
        expect(of.supabase.realtime.count(`join viewers:${SESSION}`)).toBe(1)
        expect(heard).toEqual([
            ['first', 5],
            ['second', 5],
        ])
    })

    it('keep it until both have left, and the socket until nobody has a channel', async () => {
        const of = bench()
        const { first, second } = await joined(of)
        first.leave()
        first.leave()
        expect(second.status).toBe('ready')
        expect(of.supabase.realtime.find(`viewers:${SESSION}`)).toBeDefined()
        second.leave()
        expect(of.supabase.realtime.channels).toEqual([])
        expect(of.supabase.realtime.count('disconnect')).toBe(1)
    })

    it('are told apart: who has left hears nothing more', async () => {
        const of = bench()
        const { first, second } = await joined(of)
        let heard = 0
        first.on('lost', () => heard++)
        first.leave()
        first.ensure()
        second.leave()
        expect(heard).toBe(0)
        expect(of.supabase.realtime.count(`join viewers:${SESSION}`)).toBe(1)
    })
})

describe('a broadcast', () => {
    it('that pretends to be the client’s own event is heard as a broadcast alone', async () => {
        const of = bench()
        const { first } = await joined(of)
        const heard: string[] = []
        first.on('ready', () => heard.push('ready'))
        first.on('lost', () => heard.push('lost'))
        first.on('broadcast', ({ event }) => heard.push(`broadcast ${event}`))
        for (const event of ['ready', 'lost']) of.supabase.realtime.find(`viewers:${SESSION}`)?.broadcast(event, {})
        expect(heard).toEqual(['broadcast ready', 'broadcast lost'])
    })
})

describe('views of one stream', () => {
    it('share one connection, which survives a remount and ends a moment after the last', async () => {
        const of = bench()
        const first = of.client.hold(CONFIG)
        await of.clock.advance(1_000)
        await first.release()
        const second = of.client.hold(CONFIG)
        expect(second.connection).toBe(first.connection)
        await of.clock.advance(10_000)
        expect(of.supabase.count('join_stream')).toBe(1)
        await second.release()
        await of.clock.advance(2_400)
        expect(of.supabase.count('remove_viewer')).toBe(0)
        await of.clock.advance(200)
        expect(of.supabase.count('remove_viewer')).toBe(1)
        await of.clock.advance(1_000)
        expect(of.clock.pending).toBe(0)
    })

    it('of two streams share the channel of their user', async () => {
        const of = bench()
        const other = '33333333-3333-4333-8333-333333333333'
        const held = [of.client.hold(CONFIG), of.client.hold({ ...CONFIG, sessionId: other })]
        await of.clock.advance(1_000)
        expect(of.supabase.realtime.count(`join user:${CONFIG.userId}`)).toBe(1)
        expect(of.supabase.realtime.channels).toHaveLength(7)
        void held[0]?.release({ now: true })
        await of.clock.advance(100)
        expect(of.supabase.realtime.find(`user:${CONFIG.userId}`)).toBeDefined()
        await of.dispose()
    })

    it('of two streams make one socket anew after one sleep', async () => {
        const of = bench()
        const other = '33333333-3333-4333-8333-333333333333'
        of.client.hold(CONFIG)
        of.client.hold({ ...CONFIG, sessionId: other })
        await of.clock.advance(1_000)
        of.supabase.realtime.log.length = 0
        of.lifecycle.emit('background')
        of.lifecycle.emit('active')
        await of.clock.advance(1_000)
        expect(of.supabase.realtime.count('disconnect')).toBe(1)
        expect(of.supabase.realtime.count('setAuth')).toBe(1)
        expect(of.supabase.realtime.count('call sync')).toBe(2)
        expect(of.supabase.realtime.channels).toHaveLength(7)
        await of.dispose()
    })
})
