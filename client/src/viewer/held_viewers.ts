/** Viewers by client, stream and user, shared by the components that show them: one engine, one place of the picture. */

import type { StreamClient } from '../client.ts'
import { StreamError } from '../error/stream_error.ts'
import { Shared } from '../shared/shared.ts'
import { StreamViewer } from './stream_viewer.ts'
import type { VideoViewOptions } from './video_engine.ts'
import type { StreamViewerOptions } from './viewer_options.ts'

const VIEWERS = /* @__PURE__ */ new WeakMap<StreamClient, Shared<ShownViewer>>()

export interface HeldViewer {
    readonly shown: ShownViewer
    release(): void
}

/**
 * A share of a viewer, which starts with the first and ends a moment after the last: a second engine would join with the
 * same uid and throw the first one out. One with another engine takes the place of the one there is.
 */
export function holdViewer(client: StreamClient, options: StreamViewerOptions): HeldViewer {
    if (client.isDisposed) throw new StreamError('disposed', 'the client was disposed of')
    const viewers = VIEWERS.get(client) ?? viewersOf(client)
    const { sessionId, userId, userRole, generation, engine } = options
    const { value, release } = viewers.hold(
        JSON.stringify([sessionId, userId, userRole, generation]),
        () => new ShownViewer(client, options),
        (known) => known.engine === engine
    )
    value.hold()
    let isHeld = true
    return {
        shown: value,
        release() {
            if (!isHeld) return
            isHeld = false
            value.release()
            void release()
        },
    }
}

function viewersOf(client: StreamClient): Shared<ShownViewer> {
    const viewers = new Shared<ShownViewer>(client.core.clock, ({ viewer }) => viewer.dispose())
    VIEWERS.set(client, viewers)
    client.onDispose(() => viewers.dispose())
    return viewers
}

/** A viewer with the views that want its picture: the one that came last has it, and gives it back when it goes. */
export class ShownViewer {
    readonly viewer: StreamViewer
    readonly engine: StreamViewerOptions['engine']
    readonly #views = new Map<unknown, Partial<VideoViewOptions>>()
    #holders = 0
    #isSilenced = false

    constructor(client: StreamClient, options: StreamViewerOptions) {
        this.engine = options.engine
        this.viewer = new StreamViewer(client, options)
        this.viewer.start()
    }

    hold(): void {
        this.#holders++
        if (!this.#isSilenced) return
        this.#isSilenced = false
        this.viewer.setMuted(false)
    }

    /** The viewer lives on for a moment; nobody wants to hear a page that was left. */
    release(): void {
        if (--this.#holders > 0 || this.viewer.isMuted) return
        this.#isSilenced = true
        this.viewer.setMuted(true)
    }

    /** Draws in a view, or draws otherwise in one that is known. */
    readonly attach = (view: unknown, options: Partial<VideoViewOptions> = {}): void => {
        this.#views.set(view, options)
        if (view === this.#top()?.[0]) this.viewer.attach(view, options)
    }

    readonly detach = (view: unknown): void => {
        const wasTop = view === this.#top()?.[0]
        this.#views.delete(view)
        if (!wasTop) return
        const top = this.#top()
        if (top === undefined) this.viewer.detach()
        else this.viewer.attach(...top)
    }

    #top(): [unknown, Partial<VideoViewOptions>] | undefined {
        return [...this.#views].at(-1)
    }
}
