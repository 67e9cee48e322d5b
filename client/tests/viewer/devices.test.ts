/** The seller's camera and microphone: permission, switches, calls, and failures. */

import { describe, expect, it } from 'vitest'
import type { FakeEngine } from '../../src/testing.ts'
import { SESSION } from '../fakes/fake_stream.ts'
import { HOST, liveSeller, sellerBench, type ViewerBench } from './viewer_bench.ts'

describe('the devices of a seller', () => {
    it('whose permission is denied is told so, and asks again by retry', async () => {
        const of = sellerBench()
        of.engines.faults.permission = 'denied'
        await of.play()
        const promise = of.viewer.goLive()
        const denied = expect(promise).rejects.toMatchObject({ code: 'devices_denied' })
        await of.clock.advance(1_000)
        await denied
        expect(of.snapshot.phase).toBe('permission_denied')
        expect(of.troubles).toEqual(['devices_denied'])
        await of.clock.advance(60_000)
        expect(of.engines.current.count('requestPermissions')).toBe(1)
        expect(of.engines.current.count('startPreview')).toBe(0)
        of.engines.faults.permission = 'granted'
        of.viewer.retry()
        await of.clock.advance(2_000)
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it('whose permission was denied asks again by going live again', async () => {
        const of = sellerBench()
        of.engines.faults.permission = 'blocked'
        await of.play()
        const denied = expect(of.viewer.goLive()).rejects.toMatchObject({ code: 'devices_denied' })
        await of.clock.advance(1_000)
        await denied
        of.engines.faults.permission = 'granted'
        const live = of.viewer.goLive()
        await of.clock.advance(2_000)
        await live
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it('whose permission is taken back while the stream is on is told so', async () => {
        const of = await liveSeller()
        of.engines.current.emit('local', { source: 'camera', state: 'denied' })
        await of.clock.advance(1_000)
        expect(of.snapshot).toMatchObject({ phase: 'permission_denied', videoEnabled: false })
        await of.end()
    })

    it('whose preview is refused is told so, by an engine that does not ask before', async () => {
        const of: ViewerBench = sellerBench({
            viewer: {
                engine: () => {
                    const engine = of.engines() as FakeEngine
                    engine.startPreview = async () => {
                        throw Object.assign(new Error('refused'), { reason: 'permission' })
                    }
                    return engine
                },
            },
        })
        await of.play()
        const denied = expect(of.viewer.startPreview()).rejects.toMatchObject({ code: 'devices_denied' })
        await of.clock.advance(1_000)
        await denied
        expect(of.snapshot.phase).toBe('permission_denied')
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it('switches camera and microphone', async () => {
        const of = await liveSeller()
        const off = Promise.all([of.viewer.setCamera(false), of.viewer.setMicrophone(false)])
        await of.clock.advance(10)
        await off
        expect(of.snapshot).toMatchObject({ phase: 'camera_off', videoEnabled: false, audioEnabled: false })
        const sender = of.engines.network.channel(SESSION).senders.get(HOST)
        expect(sender?.picture).toMatchObject({ isCameraOn: false, isMicrophoneOn: false })
        const on = of.viewer.setCamera(true)
        await of.clock.advance(10)
        await on
        expect(of.snapshot).toMatchObject({ phase: 'publishing', videoEnabled: true })
        await of.viewer.switchCamera()
        expect(of.engines.current.count('switchCamera')).toBe(1)
        await of.end()
    })

    it('who goes live with the camera off does not open it', async () => {
        const of = sellerBench()
        await of.play()
        await of.viewer.setCamera(false)
        const promise = of.viewer.goLive()
        await of.clock.advance(1_000)
        await promise
        const { calls } = of.engines.current
        expect(calls.indexOf('setCamera false')).toBeGreaterThanOrEqual(0)
        expect(calls.indexOf('setCamera false')).toBeLessThan(calls.indexOf('startPreview'))
        // Engines that open it with the preview are told again, before anything is sent.
        const again = calls.lastIndexOf('setCamera false')
        expect(again).toBeGreaterThan(calls.indexOf('startPreview'))
        expect(again).toBeLessThan(calls.indexOf('publish'))
        expect(of.snapshot.phase).toBe('camera_off')
        await of.end()
    })

    it('takes its camera back when the app comes to the front', async () => {
        const of = await liveSeller()
        of.lifecycle.emit('background')
        of.engines.current.emit('local', { source: 'camera', state: 'interrupted' })
        of.clock.sleep(30_000)
        of.lifecycle.emit('active')
        await of.clock.advance(2_000)
        expect(of.engines.current.calls).toContain('setCamera true')
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it('whose camera fails gets a new engine, and sends again', async () => {
        const of = await liveSeller()
        of.engines.current.emit('local', { source: 'camera', state: 'failed' })
        await of.clock.advance(3_000)
        expect(of.recoveries.map(({ step }) => step)).toEqual(['new_engine'])
        expect(of.engines.engines.map(({ isDisposed }) => isDisposed)).toEqual([true, false])
        expect(of.snapshot.phase).toBe('publishing')
        expect([...of.engines.current.screen.views.keys()]).toEqual([0])
        expect(of.supabase.count('update_stream_state')).toBe(1)
        await of.end()
    })

    it('whose own picture stands still is climbed for', async () => {
        const of = await liveSeller()
        const sender = of.engines.network.channel(SESSION).senders.get(HOST)
        sender?.freeze()
        await of.clock.advance(2_500)
        expect(of.snapshot.phase).toBe('frozen')
        expect(of.recoveries[0]).toMatchObject({ step: 'reattach_view', cause: 'frozen' })
        // Publishing anew brings another sender, whose picture moves.
        await of.clock.advance(10_000)
        expect(of.snapshot).toMatchObject({ phase: 'publishing', recovering: null })
        await of.end()
    })
})
