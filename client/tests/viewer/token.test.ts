/** The token of a viewer who plays: renewed, refused, and late. */

import { describe, expect, it } from 'vitest'
import { Refused } from '../fakes/fake_supabase.ts'
import { steps, viewerBench } from './viewer_bench.ts'

describe('a token', () => {
    it('is renewed by the heartbeat, without a picture lost', async () => {
        const of = viewerBench()
        await of.play()
        of.stream.heartbeatToken = { ...of.stream.token(), token: 'fresh' }
        await of.clock.advance(20_000)
        expect(of.engines.current.token).toBe('fresh')
        expect(of.engines.current.count('join')).toBe(1)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('is renewed at 80 % of its life, and by the warning of the SDK', async () => {
        const of = viewerBench()
        await of.play()
        await of.clock.advance(3_600_000 * 0.8)
        expect(of.engines.current.count('renewToken')).toBe(1)
        await of.clock.advance(60_000)
        of.engines.current.emit('tokenWillExpire', undefined)
        await of.clock.advance(1_000)
        expect(of.engines.current.count('renewToken')).toBe(2)
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it('that has ended wants another and a new join', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('tokenExpired', undefined)
        await of.clock.advance(2_000)
        expect(steps(of)).toEqual(['new_token token_refused', 'rejoin token_refused'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that the engine does not take wants the same', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.faults.calls.set('renewToken', 'reject')
        of.stream.heartbeatToken = { ...of.stream.token(), token: 'fresh' }
        await of.clock.advance(20_000)
        expect(steps(of)).toEqual(['new_token token_refused', 'rejoin token_refused'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that is refused for good ends the viewer', async () => {
        const of = viewerBench()
        await of.play()
        of.supabase.handlers.refresh_token = () => {
            throw new Refused('banned', 403)
        }
        of.engines.current.emit('tokenExpired', undefined)
        await of.clock.advance(30_000)
        expect(of.snapshot).toMatchObject({ phase: 'failed', error: { code: 'banned' } })
        expect(of.troubles).toEqual(['banned'])
        await of.end()
    })

    it('that is not there yet is asked for once the place is taken', async () => {
        const of = viewerBench()
        const { join_stream: join } = of.supabase.handlers
        of.supabase.handlers.join_stream = (args) => ({ ...(join?.(args) as object), token: null })
        await of.play()
        expect(of.supabase.count('generate_buyer_token')).toBe(1)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})
