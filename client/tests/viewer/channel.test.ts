/** Joins, tokens and connections that fail: what is tried, and how it ends. */

import { describe, expect, it } from 'vitest'
import { StreamError } from '../../src/index.ts'
import { Refused } from '../fakes/fake_supabase.ts'
import { type ViewerBench, viewerBench } from './viewer_bench.ts'

const steps = ({ recoveries }: ViewerBench): string[] => recoveries.map(({ step, cause }) => `${step} ${cause}`)

describe('a join', () => {
    it('that never settles is left after 10 seconds, and tried again', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        await of.play(9_900)
        expect(of.snapshot.phase).toBe('joining')
        expect(of.engines.current.count('leave')).toBe(0)
        await of.clock.advance(1_000)
        expect(of.engines.current.count('leave')).toBeGreaterThan(0)
        await of.clock.advance(1_000)
        expect(steps(of)).toEqual(['rejoin join_timeout'])
        expect(of.snapshot.phase).toBe('playing')
        expect(of.engines.current.doubleJoins).toBe(0)
        await of.end()
    })

    it('that is called off is left at once, not when the next one begins', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        await of.play(1_000)
        of.supabase.callMs = 3_000
        of.engines.current.emit('connection', { state: 'failed', reason: 'token_invalid' })
        await of.clock.advance(100)
        expect(of.snapshot.recovering).toBe('new_token')
        expect(of.engines.current.count('leave')).toBe(1)
        await of.clock.advance(6_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('whose token is refused gets another one', async () => {
        const of = viewerBench()
        const refused = new Set<string>()
        of.engines.network.judge = (token) => {
            if (refused.size === 0) refused.add(token)
            return refused.has(token) ? 'token_invalid' : 'ok'
        }
        await of.play()
        expect(steps(of)).toEqual(['new_token token_refused', 'rejoin token_refused'])
        expect(of.snapshot.phase).toBe('playing')
        expect(of.supabase.count('refresh_token')).toBe(1)
        await of.end()
    })

    it('that fails is tried by the same engine, then by another', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['join_failed', 'join_failed']
        await of.play(5_000)
        expect(steps(of)).toEqual(['rejoin join_failed', 'new_engine join_failed'])
        expect(of.engines.engines).toHaveLength(2)
        expect(of.engines.engines[0]?.isDisposed).toBe(true)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that always fails ends in a named phase with no timer, and begins again by retry', async () => {
        const of = viewerBench()
        of.engines.faults.joins = Array.from({ length: 100 }, () => 'join_failed' as const)
        await of.play(120_000)
        expect(of.snapshot).toMatchObject({ phase: 'failed', recovering: null, videoEnabled: false })
        expect(of.snapshot.error).toMatchObject({ code: 'video_unavailable', recoverable: true })
        expect(of.troubles).toEqual(['video_unavailable'])
        const { length } = of.engines.faults.joins
        await of.clock.advance(600_000)
        expect(of.engines.faults.joins).toHaveLength(length)
        expect(of.engines.engines.every(({ isDisposed }) => isDisposed)).toBe(true)
        of.engines.faults.joins = []
        of.viewer.retry()
        await of.clock.advance(2_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', error: null })
        expect(of.troubles).toHaveLength(1)
        await of.end()
    })

    it('is not tried without a network, and not counted', async () => {
        const of = viewerBench()
        of.lifecycle.emit('offline')
        of.engines.faults.joins = []
        await of.play(120_000)
        expect(of.engines.engines.length === 0 || of.engines.current.count('join') === 0).toBe(true)
        of.lifecycle.emit('online')
        await of.clock.advance(10_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('under way when the network goes is not counted', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        await of.play(1_000)
        of.lifecycle.emit('offline')
        await of.clock.advance(300_000)
        expect(of.recoveries).toEqual([])
        expect(of.snapshot.phase).not.toBe('failed')
        of.lifecycle.emit('online')
        await of.clock.advance(10_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it.each([
        ['banned', 'failed', 'banned'],
        ['taken_over', 'taken_over', 'superseded'],
    ] as const)('that is %s is final', async (answer, phase, code) => {
        const of = viewerBench()
        of.engines.faults.joins = [answer]
        await of.play(60_000)
        expect(of.snapshot).toMatchObject({ phase, error: { code } })
        expect(of.troubles).toEqual([code])
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it('survives an engine that cannot leave, and one that cannot be disposed of', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['silence']
        of.engines.faults.calls.set('leave', 'silence')
        await of.play(30_000)
        expect(of.engines.engines.length).toBeGreaterThan(1)
        expect(of.snapshot.phase).toBe('playing')
        of.engines.faults.calls.clear()
        await of.end()
    })

    it('survives an engine that cannot be made', async () => {
        let failures = 2
        const of: ViewerBench = viewerBench({
            viewer: {
                engine: () => {
                    if (failures-- > 0) throw new Error('not linked')
                    return of.engines()
                },
            },
        })
        await of.play(10_000)
        expect(steps(of)).toEqual(['rejoin join_failed', 'new_engine join_failed'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})

describe('a channel', () => {
    it('that is interrupted comes back by itself', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('connection', { state: 'reconnecting', reason: 'interrupted' })
        expect(of.snapshot).toMatchObject({ phase: 'reconnecting', hostQuality: 'poor' })
        await of.clock.advance(50_000)
        expect(of.recoveries).toEqual([])
        of.engines.current.emit('connection', { state: 'connected', reason: 'rejoined' })
        expect(of.snapshot.phase).toBe('first_frame')
        await of.clock.advance(300)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that is interrupted for a minute is joined anew, unless there is no network', async () => {
        const of = viewerBench()
        await of.play()
        of.lifecycle.emit('offline')
        of.engines.current.emit('connection', { state: 'reconnecting', reason: 'interrupted' })
        await of.clock.advance(300_000)
        expect(of.recoveries).toEqual([])
        of.lifecycle.emit('online')
        await of.clock.advance(62_000)
        expect(steps(of)).toEqual(['rejoin connection_failed'])
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it.each([
        ['failed', 'join_failed', ['rejoin join_failed']],
        ['failed', 'lost', ['rejoin connection_failed']],
        ['disconnected', 'left', ['rejoin connection_failed']],
        ['failed', 'token_expired', ['new_token token_refused', 'rejoin token_refused']],
    ] as const)('that is %s by %s is joined anew', async (state, reason, expected) => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('connection', { state, reason })
        await of.clock.advance(2_000)
        expect(steps(of)).toEqual(expected)
        expect(of.snapshot.phase).toBe('playing')
        expect(of.phases.slice(-2)).toEqual(['reconnecting', 'playing'].slice(-of.phases.length))
        await of.end()
    })

    it('that fails again right after it stood is joined again, though the last picture still moves', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('connection', { state: 'failed', reason: 'lost' })
        await of.clock.advance(2_000)
        of.engines.current.emit('connection', { state: 'failed', reason: 'lost' })
        expect(of.snapshot.phase).toBe('reconnecting')
        await of.clock.advance(3_000)
        expect(steps(of)).toEqual(['rejoin connection_failed', 'rejoin connection_failed'])
        expect(of.engines.current.count('join')).toBe(3)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that another device takes is not taken back by itself', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('connection', { state: 'disconnected', reason: 'taken_over' })
        await of.clock.advance(60_000)
        expect(of.snapshot).toMatchObject({ phase: 'taken_over', error: { code: 'superseded' } })
        of.viewer.retry()
        await of.clock.advance(2_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('whose engine says too much too late changes nothing', async () => {
        const of = viewerBench()
        of.engines.faults.joins = ['join_failed', 'join_failed']
        await of.play(5_000)
        const [old] = of.engines.engines
        expect(old?.listeners).toBe(0)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })
})

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

describe('the connection to the stream', () => {
    it('that ends for good ends the video', async () => {
        const of = viewerBench()
        await of.play()
        of.supabase.emitAuth('SIGNED_OUT')
        await of.clock.advance(1_000)
        expect(of.snapshot).toMatchObject({ phase: 'failed', error: { code: 'signed_out' } })
        expect(of.engines.current.isDisposed).toBe(true)
        await of.end()
    })

    it('that is superseded is taken over', async () => {
        const of = viewerBench()
        await of.play()
        of.stream.isSuperseded = true
        await of.clock.advance(20_000)
        expect(of.snapshot).toMatchObject({ phase: 'taken_over', error: { code: 'superseded' } })
        of.stream.isSuperseded = false
        of.viewer.retry()
        await of.clock.advance(2_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', error: null })
        await of.end()
    })

    it('that the app brings back brings the video back', async () => {
        const of = viewerBench()
        await of.connect()
        await of.play()
        of.client.connection.connection?.report(new StreamError('realtime_disabled', 'over its quota'))
        expect(of.snapshot).toMatchObject({ phase: 'failed', error: { code: 'realtime_disabled' } })
        const again = of.client.connection.reconnect()
        await of.clock.advance(3_000)
        await again
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('that the app closes disposes of the viewer', async () => {
        const of = viewerBench()
        await of.play()
        await of.dispose()
        await of.clock.advance(20_000)
        expect(of.engines.current.isDisposed).toBe(true)
        expect(of.clock.pending).toBe(0)
        expect(() => of.viewer.start()).not.toThrow()
    })

    it('that is lost leaves the picture alone', async () => {
        const of = viewerBench()
        await of.play()
        of.supabase.isReachable = false
        of.supabase.realtime.cut()
        await of.clock.advance(5_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', connectionState: 'reconnecting' })
        of.supabase.isReachable = true
        await of.clock.advance(30_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', connectionState: 'connected' })
        await of.end()
    })
})
