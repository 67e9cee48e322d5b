/** Sound, layers and quality of what a buyer receives. */

import { describe, expect, it } from 'vitest'
import { viewerBench } from './viewer_bench.ts'

describe('a buyer', () => {
    it('mutes, and stays muted over a new subscription', async () => {
        const of = viewerBench()
        await of.play()
        of.viewer.setMuted(true)
        expect(of.engines.current.volume).toBe(0)
        expect(of.snapshot.audioEnabled).toBe(false)
        of.say('paused')
        await of.clock.advance(1_000)
        of.engines.current.volume = 1
        of.say('active')
        await of.clock.advance(1_000)
        expect(of.engines.current.volume).toBe(0)
        of.viewer.setMuted(false)
        expect(of.engines.current.volume).toBe(1)
        of.host.setMicrophone(false)
        expect(of.snapshot.audioEnabled).toBe(false)
        await of.end()
    })

    it('receives the layer that was asked for', async () => {
        const of = viewerBench({ viewer: { quality: 'low' } })
        await of.play()
        expect(of.engines.current.layer).toBe('low')
        expect(of.snapshot).toMatchObject({ streamQuality: 'low', layer: 'low' })
        of.viewer.setQuality('high')
        await of.clock.advance(10)
        expect(of.engines.current.layer).toBe('high')
        await of.end()
    })

    it('adapts to the network, and shows how good it is', async () => {
        const of = viewerBench()
        await of.play()
        const say = (downlink: number) =>
            of.engines.current.emit('quality', { uplink: 0, downlink, packetLoss: 0.02, bandwidth: 900 })
        expect(of.snapshot.hostQuality).toBeNull()
        say(1)
        expect(of.snapshot).toMatchObject({ hostQuality: 'excellent', quality: { bandwidth: 900 } })
        say(4)
        say(4)
        await of.clock.advance(10)
        expect(of.snapshot).toMatchObject({ hostQuality: 'poor', layer: 'low' })
        await of.end()
    })

    it('tells the connection what the engine measures', async () => {
        const of = viewerBench()
        await of.connect()
        await of.play()
        of.engines.current.emit('quality', { uplink: 0, downlink: 2, packetLoss: 0.25, bandwidth: 640 })
        expect(of.client.connection.getConnectionQuality()).toMatchObject({ packetLoss: 0.25, bandwidth: 640 })
        await of.end()
    })

    it('sets the audio route where there are several, also on a new engine', async () => {
        const of = viewerBench()
        await of.play()
        await of.viewer.setAudioRoute('earpiece')
        expect(of.engines.current.audioRoute).toBe('earpiece')
        of.engines.current.emit('local', { source: 'microphone', state: 'failed' })
        await of.clock.advance(2_000)
        expect(of.engines.engines).toHaveLength(2)
        expect(of.engines.current.audioRoute).toBe('earpiece')
        await of.end()
        const web = viewerBench({ engine: { capabilities: { audioRoutes: false } } })
        await web.play()
        await web.viewer.setAudioRoute('speaker')
        expect(web.engines.current.count('setAudioRoute')).toBe(0)
        expect(web.snapshot.audioRoute).toBe('default')
        await web.end()
    })

    it('tells of sound that waits for a touch', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.emit('audioBlocked', { isBlocked: true })
        expect(of.snapshot).toMatchObject({ audioBlocked: true, audioEnabled: false, phase: 'playing' })
        await of.viewer.resumeAudio()
        expect(of.snapshot).toMatchObject({ audioBlocked: false, audioEnabled: true })
        await of.end()
    })
})
