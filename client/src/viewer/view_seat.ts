/** The one view of a viewer: which sender it shows, attached again or taken out without a change of the sender. */

import type { VideoEngine, VideoViewOptions } from './video_engine.ts'

export const DEFAULT_VIEW: VideoViewOptions = { objectFit: 'cover', mirror: false }

export class ViewSeat<View> {
    readonly #engine: () => VideoEngine<View> | null
    #view: View | null = null
    #options: VideoViewOptions = DEFAULT_VIEW
    /** The sender that is to be seen in it; 0 is the own preview. */
    #uid: number | null = null

    constructor(engine: () => VideoEngine<View> | null) {
        this.#engine = engine
    }

    get hasView(): boolean {
        return this.#view !== null
    }

    get uid(): number | null {
        return this.#uid
    }

    /** The same view with the same options again changes nothing: a component may say it at every render. */
    attach(view: View, options: Partial<VideoViewOptions>): void {
        const next = { ...DEFAULT_VIEW, ...options }
        const { objectFit, mirror } = this.#options
        if (view === this.#view && next.objectFit === objectFit && next.mirror === mirror) return
        this.#view = view
        this.#options = next
        this.#set(view)
    }

    detach(): void {
        this.#set(null)
        this.#view = null
    }

    show(uid: number): void {
        if (this.#uid === uid) return
        this.#set(null)
        this.#uid = uid
        this.#set(this.#view)
    }

    /** Shows nobody. */
    clear(): void {
        this.#set(null)
        this.#uid = null
    }

    /** Out of the view and into it again: what helps where nothing is drawn though frames come. */
    reattach(): void {
        this.#set(null)
        this.#set(this.#view)
    }

    #set(view: View | null): void {
        if (this.#uid === null || this.#view === null) return
        try {
            this.#engine()?.setView(this.#uid, view, this.#options)
        } catch {
            // What cannot be drawn is missed where it is expected.
        }
    }
}
