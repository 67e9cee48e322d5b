/** Channels, and connections to the stream, that are lost or end. */

import { describe, expect, it } from 'vitest'
import { StreamError } from '../../src/index.ts'
import { steps, viewerBench } from './viewer_bench.ts'

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
        expect(of.phases.slice(-2)).toEqual(['reconnecting', 'playing'])
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
