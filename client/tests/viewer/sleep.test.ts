/** Devices that sleep and wake: one way back, and no trouble that is none. */

import { describe, expect, it } from 'vitest'
import { SESSION, USER } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'
import { type ViewerBench, viewerBench } from './viewer_bench.ts'

describe('a buyer who sleeps', () => {
    it.each([5_000, 600_000, 2_400_000])('for %d ms plays on when it wakes', async (ms) => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('background')
        expect(of.snapshot.phase).toBe('hidden')
        of.clock.sleep(ms)
        of.lifecycle.emit('active')
        await of.clock.advance(5_000)
        expect(of.snapshot.phase).toBe('playing')
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it('past the end of the token gets another and joins anew', async () => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('background')
        of.clock.sleep(2 * 3_600_000)
        of.lifecycle.emit('active')
        await of.clock.advance(5_000)
        expect(of.recoveries.map(({ step }) => step)).toEqual(['new_token', 'rejoin'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('while nobody says so is not frozen for it', async () => {
        const of = viewerBench()
        await of.play()
        of.clock.sleep(1_800_000)
        await of.clock.advance(5_000)
        expect(of.recoveries).toEqual([])
        expect(of.phases).not.toContain('frozen')
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('gets its native view back, and a page keeps its own', async () => {
        for (const [viewVisibility, more] of [
            [false, 2],
            [true, 0],
        ] as const) {
            const of = viewerBench({ engine: { capabilities: { viewVisibility } } })
            await of.play()
            const before = of.engines.current.count('setView')
            of.lifecycle.emit('background')
            of.clock.sleep(60_000)
            of.lifecycle.emit('active')
            await of.clock.advance(1_000)
            expect(of.engines.current.count('setView') - before).toBe(more)
            await of.end()
        }
    })

    it('is not watched meanwhile', async () => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('background')
        of.host.freeze()
        await of.clock.advance(600_000)
        expect(of.recoveries).toEqual([])
        expect(of.snapshot.phase).toBe('hidden')
        of.lifecycle.emit('active')
        // The picture of before is none.
        expect(of.snapshot.phase).toBe('first_frame')
        await of.clock.advance(5_000)
        expect(of.recoveries[0]).toMatchObject({ step: 'reattach_view', cause: 'no_first_frame' })
        await of.end()
    })

    it('does not wait for the end of a pause', async () => {
        const of = viewerBench()
        of.engines.faults.joins = Array.from({ length: 6 }, () => 'join_failed' as const)
        // Three joins of 50 ms have failed; the next round begins half a second later at the earliest.
        await of.play(400)
        expect(of.engines.faults.joins).toHaveLength(3)
        const tried = of.recoveries.length
        of.lifecycle.emit('background')
        of.lifecycle.emit('active')
        expect(of.recoveries.length).toBe(tried + 1)
        await of.clock.advance(60_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})

/** A sleep past the end of the token, in which the place was lost; it is not given back for `ms`. */
async function wakeWithoutPlace(of: ViewerBench, ms: number): Promise<void> {
    const { join_stream: join, refresh_token: refresh, generate_buyer_token: generate } = of.supabase.handlers
    of.stream.isJoined = false
    const needsPlace = (token: typeof refresh) => (args: Record<string, unknown>) => {
        if (!of.stream.isJoined) throw new Refused('not_viewer', 403)
        return token?.(args)
    }
    of.supabase.handlers.refresh_token = needsPlace(refresh)
    of.supabase.handlers.generate_buyer_token = needsPlace(generate)
    of.supabase.handlers.join_stream = () => {
        throw new Refused('lock_timeout', 503)
    }
    of.lifecycle.emit('background')
    of.clock.sleep(2 * 3_600_000)
    const wokenAt = of.clock.now()
    of.engines.network.judge = (token) => (Number(token.split('-')[1]) < wokenAt ? 'token_expired' : 'ok')
    of.clock.after(ms, () => {
        of.supabase.handlers.join_stream = join as () => unknown
    })
    of.lifecycle.emit('active')
    await of.clock.advance(ms)
}

describe('a buyer whose token and place have ended in a sleep', () => {
    it.each([20_000, 60_000])('for %d ms makes no join in vain, and plays once they are back', async (ms) => {
        const of = viewerBench()
        await of.play()
        await wakeWithoutPlace(of, ms)
        expect(of.snapshot).toMatchObject({ phase: 'reconnecting', connectionState: 'reconnecting' })
        expect(of.recoveries.map(({ step }) => step)).toEqual(['new_token', 'rejoin'])
        expect(of.engines.current.count('join')).toBe(1)
        await of.clock.advance(20_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', connectionState: 'connected' })
        expect(of.engines.engines).toHaveLength(1)
        expect(of.troubles).toEqual([])
        await of.end()
    })

    it('plays again once the app has brought a connection back that gave up', async () => {
        const of = viewerBench()
        await of.play()
        await wakeWithoutPlace(of, 600_000)
        expect(of.snapshot).toMatchObject({ phase: 'failed', connectionState: 'failed' })
        const held = of.client.hold({ sessionId: SESSION, userId: USER })
        held.connection.open('reconnect')
        await of.clock.advance(10_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', error: null })
        await held.release()
        await of.end()
    })
})
