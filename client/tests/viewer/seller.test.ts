/** A seller's viewer: preview, going live, pause, takeover, and the end of it. */

import { describe, expect, it } from 'vitest'
import { SESSION, USER } from '../fakes/fake_stream.ts'
import { Refused } from '../fakes/fake_supabase.ts'
import { HOST, liveSeller, sellerBench, viewerBench } from './viewer_bench.ts'

describe('a seller', () => {
    it('sees a preview alone', async () => {
        const of = sellerBench()
        await of.play()
        expect(of.snapshot).toMatchObject({ phase: 'idle', videoEnabled: false })
        const preview = of.viewer.startPreview()
        await of.clock.advance(500)
        await preview
        expect(of.phases).toEqual(['preview'])
        expect(of.snapshot).toMatchObject({ videoEnabled: true, audioEnabled: true })
        const { current: engine } = of.engines
        expect(engine.isJoined).toBe(false)
        expect([...engine.screen.views.keys()]).toEqual([0])
        expect(of.supabase.count('generate_seller_token')).toBe(0)
        await of.end()
    })

    it('goes live, and the stream is told once', async () => {
        const of = await liveSeller()
        expect(of.phases).toEqual(['token', 'joining', 'publishing'])
        expect(of.stream.state).toBe('active')
        expect(of.supabase.count('update_stream_state')).toBe(1)
        const call = of.supabase.calls.find(({ name }) => name === 'update_stream_state')
        expect(call?.args).toMatchObject({ session_id: SESSION, state: 'active', generation: 1 })
        const token = of.supabase.calls.find(({ name }) => name === 'generate_seller_token')
        expect(token?.args).toMatchObject({ channel_id: SESSION, generation: 1 })
        expect([...of.engines.network.channel(SESSION).senders.keys()]).toEqual([HOST])
        await of.clock.advance(60_000)
        expect(of.supabase.count('update_stream_state')).toBe(1)
        await of.end()
    })

    it('is seen by buyers, through one network of engines', async () => {
        const of = await liveSeller()
        const buyers = [1, 2].map((seed) => viewerBench({ seed, host: false, engine: { network: of.engines.network } }))
        for (const buyer of buyers) await buyer.play()
        expect(buyers.map(({ snapshot }) => snapshot.phase)).toEqual(['playing', 'playing'])
        const camera = of.viewer.setCamera(false)
        await of.clock.advance(10)
        await camera
        expect(buyers.map(({ snapshot }) => snapshot.phase)).toEqual(['camera_off', 'camera_off'])
        for (const buyer of buyers) await buyer.end()
        await of.end()
    })

    it.each(['camera', 'microphone'] as const)(
        'whose %s a call takes is interrupted, and comes back',
        async (source) => {
            const of = await liveSeller()
            of.engines.current.emit('local', { source, state: 'interrupted' })
            expect(of.snapshot.phase).toBe('interrupted')
            await of.clock.advance(60_000)
            expect(of.recoveries).toEqual([])
            of.engines.current.emit('local', { source, state: 'live' })
            expect(of.snapshot.phase).toBe('publishing')
            await of.end()
        }
    )

    it('that another device has taken over sends nothing any more', async () => {
        const of = await liveSeller()
        const engine = of.engines.current
        of.say('active', 2)
        await of.clock.advance(1_000)
        expect(of.snapshot).toMatchObject({ phase: 'taken_over', error: { code: 'stale_host' } })
        expect(engine.isDisposed).toBe(true)
        expect(of.engines.network.channel(SESSION).senders.size).toBe(0)
        expect(of.troubles).toEqual(['stale_host'])
        await of.end()
    })

    it('whose heartbeat is refused as that of an old device is taken over', async () => {
        const of = await liveSeller()
        of.supabase.handlers.heartbeat = () => {
            throw new Refused('stale_host', 409)
        }
        await of.clock.advance(30_000)
        expect(of.snapshot.phase).toBe('taken_over')
        await of.end()
    })

    it('that takes the stream back goes live again', async () => {
        const of = await liveSeller()
        of.say('active', 2)
        await of.clock.advance(1_000)
        of.stream.generation = 3
        of.supabase.handlers.start_stream = () => ({
            id: SESSION,
            seller_id: '22222222-2222-4222-8222-222222222222',
            generation: 3,
            viewer_count: 0,
        })
        const started = of.client.stream.startStream('22222222-2222-4222-8222-222222222222', 'auction')
        await of.clock.advance(1_000)
        await started
        of.viewer.retry()
        await of.clock.advance(3_000)
        expect(of.snapshot.phase).toBe('publishing')
        expect([...of.engines.network.channel(SESSION).senders.keys()]).toEqual([103])
        await of.end()
    })

    it('that starts the stream anew on the same device sends as its new uid', async () => {
        const of = await liveSeller()
        of.stream.generation = 2
        of.supabase.handlers.start_stream = () => ({ id: SESSION, seller_id: USER, generation: 2, viewer_count: 0 })
        const started = of.client.stream.startStream(USER, 'auction')
        await of.clock.advance(1_000)
        await started
        of.say('active', 2)
        await of.clock.advance(3_000)
        expect(of.snapshot).toMatchObject({ phase: 'publishing', hostUid: 102 })
        expect([...of.engines.network.channel(SESSION).senders.keys()]).toEqual([102])
        await of.end()
    })

    it('sends nothing while the stream is paused', async () => {
        const of = await liveSeller()
        of.say('paused')
        await of.clock.advance(1_000)
        expect(of.snapshot).toMatchObject({ phase: 'paused', videoEnabled: true })
        expect(of.engines.network.channel(SESSION).senders.size).toBe(0)
        of.say('active')
        await of.clock.advance(1_000)
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it('stops, lets go of the devices, and can begin again', async () => {
        const of = await liveSeller()
        const stopped = of.viewer.stop()
        await of.clock.advance(1_000)
        await stopped
        expect(of.snapshot.phase).toBe('idle')
        expect(of.engines.current).toMatchObject({ isJoined: false, isPreviewing: false })
        const again = of.viewer.goLive()
        await of.clock.advance(1_000)
        await again
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it('whose going live is stopped hears of it', async () => {
        const of = sellerBench()
        await of.play()
        of.engines.faults.joins = ['silence']
        const promise = of.viewer.goLive()
        const aborted = expect(promise).rejects.toMatchObject({ code: 'aborted' })
        await of.clock.advance(1_000)
        void of.viewer.stop()
        await aborted
        await of.clock.advance(15_000)
        expect(of.snapshot.phase).toBe('idle')
        await of.end()
    })

    it('whose stream cannot be told ends with the refusal', async () => {
        const of = sellerBench()
        of.supabase.handlers.update_stream_state = () => {
            throw new Refused('not_stream_owner', 403)
        }
        await of.play()
        const promise = of.viewer.goLive()
        const refused = expect(promise).rejects.toMatchObject({ code: 'not_stream_owner' })
        await of.clock.advance(2_000)
        await refused
        expect(of.snapshot.phase).toBe('failed')
        await of.end()
    })

    it('tells the stream again and again while the service cannot be told, and sends meanwhile', async () => {
        const of = sellerBench()
        const { update_stream_state: told } = of.supabase.handlers
        of.supabase.handlers.update_stream_state = () => {
            throw new Refused('upstream_unavailable', 503)
        }
        await of.play()
        let isLive = false
        const live = of.viewer.goLive().then(() => {
            isLive = true
        })
        live.catch(() => {})
        await of.clock.advance(60_000)
        expect(of.snapshot).toMatchObject({ phase: 'publishing', streamState: 'initializing', error: null })
        expect([...of.engines.network.channel(SESSION).senders.keys()]).toEqual([HOST])
        expect(isLive).toBe(false)
        // Each call is repeated three times by itself, and a breaker that has opened lets one through in 30 s.
        expect(of.supabase.count('update_stream_state')).toBeGreaterThanOrEqual(5)
        expect(of.supabase.count('update_stream_state')).toBeLessThan(10)
        of.supabase.handlers.update_stream_state = told as () => unknown
        await of.clock.advance(45_000)
        await live
        expect(of.stream.state).toBe('active')
        expect(of.engines.engines).toHaveLength(1)
        expect(of.troubles).toEqual([])
        await of.end()
    })

    it('goes live though the breaker has opened', async () => {
        const of = sellerBench()
        const { update_stream_state: told } = of.supabase.handlers
        of.supabase.handlers.update_stream_state = () => {
            of.supabase.handlers.update_stream_state = told as () => unknown
            of.client.breaker.trip()
            throw new Refused('upstream_unavailable', 503)
        }
        await of.play()
        const live = of.viewer.goLive()
        live.catch(() => {})
        await of.clock.advance(20_000)
        expect(of.snapshot).toMatchObject({ phase: 'publishing', streamState: 'initializing' })
        await of.clock.advance(15_000)
        await live
        expect(of.snapshot).toMatchObject({ phase: 'publishing', streamState: 'active' })
        expect(of.troubles).toEqual([])
        await of.end()
    })

    it.each([200, 15_000])('stops at once though the stream cannot be told for %d ms', async (ms) => {
        const of = sellerBench()
        of.supabase.handlers.update_stream_state = () => {
            throw new Refused('upstream_unavailable', 503)
        }
        await of.play()
        const live = of.viewer.goLive()
        live.catch(() => {})
        await of.clock.advance(ms)
        expect(of.snapshot.phase).toBe('publishing')
        const told = of.supabase.count('update_stream_state')
        const stopped = of.viewer.stop()
        await of.clock.advance(500)
        await stopped
        await expect(live).rejects.toMatchObject({ code: 'aborted' })
        expect(of.engines.current).toMatchObject({ isJoined: false, isPreviewing: false })
        await of.clock.advance(60_000)
        expect(of.supabase.count('update_stream_state')).toBe(told)
        expect(of.snapshot).toMatchObject({ phase: 'idle', error: null })
        expect(of.recoveries).toEqual([])
        await of.end()
    })

    it('whose stream is active already is not told again, nor refused for it', async () => {
        const of = sellerBench()
        of.supabase.handlers.update_stream_state = () => {
            throw new Refused('illegal_transition', 409)
        }
        await of.play()
        const promise = of.viewer.goLive()
        await of.clock.advance(2_000)
        await promise
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it("joins with no token but a host's, whatever the connection that it shares has had before", async () => {
        const of = sellerBench()
        const held = of.client.hold({ sessionId: SESSION, userId: USER })
        await of.clock.advance(2_000)
        expect(held.connection.token?.uid).toBe(7)
        await of.play()
        const promise = of.viewer.goLive()
        await of.clock.advance(2_000)
        await promise
        expect(of.engines.current.calls.filter((call) => call.startsWith('join'))).toEqual([`join ${HOST}`])
        await held.release()
        await of.end()
    })

    it('has the token renewed while it is live', async () => {
        const of = await liveSeller()
        await of.clock.advance(3_600_000 * 0.81)
        expect(of.engines.current.count('renewToken')).toBe(1)
        expect(of.supabase.count('refresh_token')).toBe(1)
        expect(of.snapshot.phase).toBe('publishing')
        await of.end()
    })

    it('is told how well it sends', async () => {
        const of = await liveSeller()
        of.engines.current.emit('quality', { uplink: 2, downlink: 0, packetLoss: 0, bandwidth: 1_500 })
        expect(of.snapshot.hostQuality).toBe('good')
        await of.end()
    })

    it('cannot go live before the start', async () => {
        const of = sellerBench()
        await expect(of.viewer.goLive()).rejects.toMatchObject({ code: 'disposed' })
        await of.end()
    })
})
