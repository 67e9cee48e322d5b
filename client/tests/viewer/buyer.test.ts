/** A buyer's viewer: from the mount to the picture, and through the states of the stream to its end. */

import { describe, expect, it } from 'vitest'
import { SESSION } from '../fakes/fake_stream.ts'
import { HOST, VIEW, viewerBench } from './viewer_bench.ts'

describe('a buyer', () => {
    it('gets a picture', async () => {
        const of = viewerBench()
        const first: number[] = []
        of.viewer.on('firstFrame', ({ afterMs }) => first.push(afterMs))
        expect(of.snapshot.phase).toBe('idle')
        await of.play()
        expect(of.phases).toEqual(['token', 'joining', 'first_frame', 'playing'])
        expect(of.snapshot).toMatchObject({
            sessionId: SESSION,
            userRole: 'buyer',
            connectionState: 'connected',
            streamState: 'active',
            videoEnabled: true,
            audioEnabled: true,
            hostUid: HOST,
            size: { width: 720, height: 1280 },
            layer: 'high',
            recovering: null,
            error: null,
        })
        expect(first).toEqual([of.snapshot.firstFrameMs])
        expect(first[0]).toBeLessThan(500)
        expect(of.engines.current.count('join')).toBe(1)
        await of.end()
    })

    it('takes late words about a host who has left for no host', async () => {
        const of = viewerBench()
        await of.play()
        of.host.leave()
        await of.clock.advance(100)
        expect(of.snapshot.phase).toBe('host_away')
        of.engines.current.emit('remoteVideo', { uid: HOST, state: 'decoding', reason: 'unknown' })
        of.engines.current.emit('remoteAudio', { uid: HOST, isOn: true })
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('host_away')
        await of.end()
    })

    it('has its view set before it receives', async () => {
        const of = viewerBench()
        await of.play()
        const { calls } = of.engines.current
        expect(calls.indexOf(`setView ${HOST} view`)).toBeLessThan(calls.indexOf(`subscribe ${HOST}`))
        await of.end()
    })

    it('waits for a host who comes later', async () => {
        const of = viewerBench({ host: false })
        await of.play()
        expect(of.snapshot.phase).toBe('host_away')
        of.engines.network.host(SESSION, HOST)
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        of.engines.network.channel(SESSION).senders.get(HOST)?.leave()
        expect(of.snapshot.phase).toBe('host_away')
        // The last picture of somebody who is gone is not left standing.
        expect([...of.engines.current.screen.views.keys()]).toEqual([])
        await of.end()
    })

    it('is shown nobody but the host of the current generation', async () => {
        const of = viewerBench()
        const { network } = of.engines
        network.host(SESSION, 100)
        await of.play()
        network.host(SESSION, 103)
        network.host(SESSION, 7_777)
        await of.clock.advance(1_000)
        const { calls } = of.engines.current
        for (const uid of [100, 103, 7_777]) {
            expect(calls.filter((call) => call.endsWith(` ${uid}`) || call.includes(` ${uid} `))).toEqual([])
        }
        expect([...of.engines.current.screen.subscribed]).toEqual([HOST])
        await of.end()
    })

    it('follows a takeover to the new host, and is not brought back by the old one', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.network.host(SESSION, 102)
        of.say('active', 2)
        await of.clock.advance(1_000)
        const { screen } = of.engines.current
        expect(of.snapshot).toMatchObject({ hostUid: 102, phase: 'playing' })
        expect([...screen.subscribed]).toEqual([102])
        expect([...screen.views.keys()]).toEqual([102])
        of.host.setCamera(false)
        of.host.rotate()
        of.host.leave()
        of.engines.network.host(SESSION, HOST)
        await of.clock.advance(5_000)
        expect(of.snapshot).toMatchObject({ hostUid: 102, phase: 'playing', size: { width: 720 } })
        expect([...screen.subscribed]).toEqual([102])
        await of.end()
    })

    it('does not see the old host for a moment longer, whatever else is under way', async () => {
        const of = viewerBench()
        await of.play()
        const { current } = of.engines
        current.emit('connection', { state: 'reconnecting', reason: 'interrupted' })
        of.engines.network.host(SESSION, 102)
        of.say('active', 2)
        expect([...current.screen.views.keys()]).toEqual([])
        current.emit('connection', { state: 'connected', reason: 'rejoined' })
        await of.clock.advance(1_000)
        expect(of.snapshot).toMatchObject({ phase: 'playing', hostUid: 102 })
        await of.end()
    })

    it('receives nothing while the stream is paused', async () => {
        const of = viewerBench()
        await of.play()
        of.say('paused')
        await of.clock.advance(60_000)
        expect(of.snapshot).toMatchObject({ phase: 'paused', videoEnabled: false, audioEnabled: false })
        expect(of.engines.current.screen.subscribed.size).toBe(0)
        of.say('active')
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        expect(of.recoveries).toEqual([])
        expect(of.phases.slice(-3)).toEqual(['paused', 'first_frame', 'playing'])
        await of.end()
    })

    it('lets go of everything when the stream ends', async () => {
        const of = viewerBench()
        await of.play()
        const engine = of.engines.current
        of.say('ended')
        await of.clock.advance(1_000)
        expect(of.snapshot).toMatchObject({ phase: 'ended', streamState: 'ended', error: null })
        expect(engine.isDisposed).toBe(true)
        of.viewer.retry()
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('ended')
        expect(of.engines.engines).toHaveLength(1)
        expect(of.troubles).toEqual([])
        await of.end()
    })

    it('waits for a host whom the server has lost, and climbs nothing meanwhile', async () => {
        const of = viewerBench()
        await of.play()
        of.host.freeze()
        of.say('error')
        await of.clock.advance(60_000)
        expect(of.snapshot).toMatchObject({ phase: 'host_away', streamState: 'error' })
        expect(of.recoveries).toEqual([])
        of.host.freeze(false)
        of.say('active')
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('climbs once the server has the host back and the picture is not', async () => {
        const of = viewerBench()
        await of.play()
        of.host.freeze()
        of.say('error')
        await of.clock.advance(20_000)
        of.say('active')
        await of.clock.advance(3_000)
        expect(of.recoveries[0]).toMatchObject({ step: 'reattach_view', cause: 'frozen' })
        await of.end()
    })

    it('keeps its view when the phone of the host is turned', async () => {
        const of = viewerBench()
        await of.play()
        const views = of.engines.current.count('setView')
        for (let turn = 0; turn < 3; turn++) {
            of.host.rotate()
            await of.clock.advance(1_000)
        }
        expect(of.snapshot).toMatchObject({ size: { width: 1280, height: 720 }, phase: 'playing' })
        expect(of.engines.current.count('setView')).toBe(views)
        expect(of.engines.current.count('subscribe')).toBe(1)
        await of.end()
    })

    it('has one view, which another takes the place of', async () => {
        const of = viewerBench()
        await of.play()
        const { screen } = of.engines.current
        const before = of.engines.current.count('setView')
        of.viewer.attach(VIEW)
        expect(of.engines.current.count('setView')).toBe(before)
        of.viewer.attach(VIEW, { objectFit: 'contain' })
        expect(screen.views.get(HOST)?.options).toEqual({ objectFit: 'contain', mirror: false })
        const other = { name: 'other' }
        of.viewer.attach(other)
        expect(screen.views.get(HOST)?.view).toBe(other)
        of.viewer.detach()
        expect(screen.views.size).toBe(0)
        expect(of.snapshot.phase).toBe('hidden')
        await of.clock.advance(30_000)
        expect(of.recoveries).toEqual([])
        of.viewer.attach(VIEW)
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('playing')
        await of.end()
    })

    it('sends nothing', async () => {
        const of = viewerBench()
        await of.play()
        await expect(of.viewer.goLive()).rejects.toMatchObject({ code: 'not_stream_owner' })
        await expect(of.viewer.startPreview()).rejects.toMatchObject({ code: 'not_stream_owner' })
        expect(of.engines.current.count('publish')).toBe(0)
        await of.end()
    })

    it('has the same snapshot until something changes', async () => {
        const of = viewerBench()
        await of.play()
        const { snapshot } = of
        const changes: unknown[] = []
        of.viewer.on('change', (change) => changes.push(change))
        await of.clock.advance(10_000)
        expect(of.snapshot).toBe(snapshot)
        expect(changes).toEqual([])
        await of.end()
    })
})
