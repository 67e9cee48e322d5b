/** An eye before a viewer's screen: it sees what is drawn, and holds the phase against it. */

import { expect } from 'vitest'
import type { FakeEngine } from '../../../src/testing.ts'
import type { VideoEngine } from '../../../src/viewer.ts'
import { type ViewerBench, type ViewerBenchOptions, viewerBench } from '../viewer_bench.ts'

/** A frame every 400 ms, the watchdog's 2 s, and the time between two looks. */
const FROZEN_MS = 2_600
/** Four looks of the viewer, 500 ms apart, and the one before them. */
const BLACK_MS = 2_800
/** Between two looks of the eye. */
export const LOOK_MS = 200
/** One look of the viewer. */
const HIDDEN_MS = 800

export interface Eye extends ViewerBench {
    /** Looks at everything, every 200 ms of `ms`. */
    watch(ms: number): Promise<void>
    /** One look: `playing` means a picture of the host that moves, is not black and is shown. */
    look(): void
    /** Whether an engine can be made. */
    readonly engine: { isBroken: boolean }
}

export function eye(options: ViewerBenchOptions = {}): Eye {
    const last = { frameAt: Number.NEGATIVE_INFINITY, uid: 0, brightAt: 0, shownAt: 0 }
    const state = { isBroken: false }
    const make = (): VideoEngine => {
        if (state.isBroken) throw new Error('not linked')
        const made = of.engines() as FakeEngine
        made.on('frame', ({ uid }) => {
            last.frameAt = of.clock.now()
            last.uid = uid
        })
        return made
    }
    const engine = { frameMs: 400, ...options.engine }
    const of: ViewerBench = viewerBench({ ...options, engine, viewer: { ...options.viewer, engine: make } })
    let playingSince: number | null = null
    of.viewer.on('phase', ({ phase }) => {
        playingSince = phase === 'playing' ? of.clock.now() : null
    })

    const look = (): void => {
        const { snapshot, engines, clock } = of
        const now = clock.now()
        const { faults } = engines
        const current = engines.engines.at(-1)
        const hostUid = snapshot.hostUid ?? -1
        const luma = current?.brightness(hostUid) ?? null
        if (luma === null || luma > 0.02) last.brightAt = now
        if (!faults.isHidden) last.shownAt = now
        for (const uid of current?.screen.views.keys() ?? []) expect([hostUid, 0]).toContain(uid)
        if (snapshot.phase !== 'playing' || playingSince === null) return
        expect([...(current?.screen.subscribed ?? [])]).toEqual([hostUid])
        expect(last.uid).toBe(hostUid)
        expect(current?.screen.views.has(hostUid)).toBe(true)
        expect(snapshot.streamState).not.toBe('paused')
        if (current?.capabilities.eachFrame) expect(now - last.frameAt).toBeLessThanOrEqual(FROZEN_MS)
        expect(now - Math.max(last.brightAt, playingSince)).toBeLessThanOrEqual(BLACK_MS)
        if (!current?.capabilities.viewVisibility) return
        expect(now - Math.max(last.shownAt, playingSince)).toBeLessThanOrEqual(HIDDEN_MS)
    }

    const watch = async (ms: number): Promise<void> => {
        for (let at = 0; at < ms; at += LOOK_MS) {
            await of.clock.advance(LOOK_MS)
            look()
        }
    }
    // The getter of the bench is to stay one.
    return Object.defineProperties(
        { look, watch, engine: state },
        Object.getOwnPropertyDescriptors(of)
    ) as unknown as Eye
}
