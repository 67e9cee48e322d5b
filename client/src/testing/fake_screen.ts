/** What a fake engine draws: frames as events, at a pace, in views that are set, of senders that are subscribed. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { VideoEngineCapabilities, VideoEngineEvents, VideoViewOptions } from '../viewer/video_engine.ts'
import type { FakeFaults } from './fake_faults.ts'
import type { FakePicture } from './fake_network.ts'

export interface FakeScreenOptions {
    clock: Clock
    frameMs: number
    capabilities: VideoEngineCapabilities
    faults: FakeFaults
    /** The picture of a sender at this moment; uid 0 is the own preview. */
    source: (uid: number) => FakePicture | undefined
    emit: <Name extends 'frame' | 'size'>(name: Name, event: VideoEngineEvents[Name]) => void
}

export class FakeScreen {
    readonly views: Map<number, { view: unknown; options: VideoViewOptions }> = new Map()
    readonly subscribed: Set<number> = new Set()
    readonly #options: FakeScreenOptions
    readonly #drawn = new Set<number>()
    #cancel: Cancel | null = null

    constructor(options: FakeScreenOptions) {
        this.#options = options
    }

    isVisible(uid: number): boolean | null {
        const { capabilities, faults } = this.#options
        return capabilities.viewVisibility ? this.views.has(uid) && !faults.isHidden : null
    }

    brightness(uid: number): number | null {
        const { capabilities, source, faults } = this.#options
        if (!capabilities.pixels || !this.#drawn.has(uid)) return null
        return faults.black === null ? (source(uid)?.brightness ?? null) : 0
    }

    /** The next frame is a first one again. */
    forget(uid: number): void {
        this.subscribed.delete(uid)
        this.#drawn.delete(uid)
    }

    /** Leaves the views; nothing is received any more. */
    clear(): void {
        this.subscribed.clear()
        this.#drawn.clear()
    }

    stop(): void {
        this.clear()
        this.views.clear()
        this.#cancel?.()
        this.#cancel = null
    }

    /** Draws at its pace for as long as there is anything to draw. */
    draw(): void {
        if (this.#cancel) return
        const { clock, frameMs } = this.#options
        this.#cancel = clock.after(frameMs, () => {
            this.#cancel = null
            const uids = [...this.views.keys()].filter((uid) => uid === 0 || this.subscribed.has(uid))
            for (const uid of uids) this.#frame(uid)
            if (uids.length > 0) this.draw()
        })
    }

    #frame(uid: number): void {
        const { source, faults, capabilities, emit } = this.#options
        const picture = source(uid)
        if (!picture?.isCameraOn || picture.isFrozen || (uid !== 0 && faults.undrawn !== null)) return
        const isFirst = !this.#drawn.has(uid)
        this.#drawn.add(uid)
        const { width, height } = picture
        if (isFirst) emit('size', { uid, width, height })
        if (isFirst || capabilities.eachFrame) emit('frame', { uid })
    }
}
