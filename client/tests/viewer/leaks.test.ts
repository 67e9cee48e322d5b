/** Viewers that come and go leave nothing behind: no timer, no listener, no engine. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { fakeEngine } from '../../src/testing.ts'
import { StreamViewer } from '../../src/viewer.ts'
import { bench } from '../fakes/bench.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'
import { HOST, VIEW, viewerBench } from './viewer_bench.ts'

const MOUNTS = 50
/** The last viewer's connection is let go of after 2.5 s. */
const DETACHED_MS = 5_000

function collectGarbage(): void {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    gc()
}

describe('viewers that come and go', () => {
    it.each([0, 15, 80, 400, 6_000, 20_000])('after %d ms leave nothing', async (ms) => {
        const { client, clock, lifecycle, supabase, dispose } = bench()
        const engines = fakeEngine({ clock })
        engines.network.host(SESSION, HOST)
        const { listenerCount } = lifecycle
        const idle = clock.pending
        for (let mount = 0; mount < MOUNTS; mount++) {
            // Every other one has trouble when it goes.
            engines.faults.undrawn = mount % 2 === 0 ? null : 'new_engine'
            engines.faults.joins = mount % 3 === 0 ? ['silence'] : []
            const viewer = new StreamViewer(client, {
                sessionId: SESSION,
                userId: USER,
                userRole: 'buyer',
                engine: engines,
            })
            viewer.attach(VIEW)
            viewer.start()
            await clock.advance(ms)
            const disposed = viewer.dispose()
            expect(viewer.dispose()).toBe(disposed)
            await clock.advance(10)
            await disposed
        }
        await clock.advance(DETACHED_MS)
        expect(clock.pending).toBe(idle)
        expect(lifecycle.listenerCount).toBe(listenerCount)
        expect(engines.engines.every(({ isDisposed, listeners }) => isDisposed && listeners === 0)).toBe(true)
        expect(engines.network.channel(SESSION).members.size).toBe(0)
        expect(supabase.realtime.channels).toEqual([])
        await dispose()
        expect(clock.pending).toBe(0)
    })

    it('are collected', async () => {
        const { client, clock, dispose } = bench()
        const engines = fakeEngine({ clock })
        // The factory is held by everything that a viewer is made of.
        const mounted: WeakRef<object>[] = []
        const mount = async () => {
            const engine = () => engines()
            const viewer = new StreamViewer(client, { sessionId: SESSION, userId: USER, userRole: 'buyer', engine })
            mounted.push(new WeakRef(viewer), new WeakRef(engine))
            viewer.start()
            await clock.advance(500)
            await viewer.dispose()
        }
        for (let at = 0; at < MOUNTS; at++) await mount()
        await clock.advance(DETACHED_MS)
        await clock.settle()
        collectGarbage()
        expect(mounted.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(2)
        await dispose()
    })

    it('tell nothing after their end, whatever their engine says', async () => {
        const of = viewerBench()
        await of.play()
        const { phases, engines } = of
        const disposed = of.viewer.dispose()
        const told = phases.length
        engines.current.emit('connection', { state: 'failed', reason: 'banned' })
        of.say('ended')
        of.viewer.setMuted(true)
        of.viewer.attach({})
        of.viewer.retry()
        of.viewer.start()
        await of.clock.advance(30_000)
        await disposed
        expect(phases).toHaveLength(told)
        expect(of.troubles).toEqual([])
        expect(engines.engines).toHaveLength(1)
        await of.end()
    })

    it('do not wait for an engine that does not end', async () => {
        const of = viewerBench()
        await of.play()
        of.engines.current.dispose = () => new Promise(() => {})
        const disposed = of.viewer.dispose()
        await of.clock.advance(3_000)
        await disposed
        await of.end()
    })

    it('tell at last that they are idle, and nothing after it', async () => {
        const of = viewerBench()
        await of.play()
        expect(of.snapshot.phase).toBe('playing')
        const shown: string[] = []
        of.viewer.on('change', ({ phase }) => {
            shown.push(phase)
            void of.viewer.dispose()
        })
        const disposed = of.viewer.dispose()
        expect(shown).toEqual(['idle'])
        expect(of.phases.at(-1)).toBe('idle')
        await of.clock.advance(5_000)
        await disposed
        expect(shown).toEqual(['idle'])
        await of.dispose()
    })

    it('of a client that was disposed of throw where they are started', async () => {
        const of = viewerBench()
        await of.dispose()
        expect(() => of.viewer.start()).toThrow(/disposed/)
        expect(of.clock.pending).toBe(0)
        await of.viewer.dispose()
    })
})
