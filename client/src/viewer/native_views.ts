/** Native views, which draw by the uid that they are given: a component makes its own anew when an engine begins to draw in it. */

/** What a component hands to a viewer as its view. */
export interface NativeVideoView {
    /** The surface belongs to nobody any more: make another. */
    redraw(): void
}

/** The views of one engine, by sender. */
export class NativeViews {
    readonly #drawn = new Map<number, unknown>()

    /** Options may change without another surface; taking a view out and putting it in again asks for one. */
    set(uid: number, view: unknown): void {
        if (view === null) {
            this.#drawn.delete(uid)
            return
        }
        if (this.#drawn.get(uid) === view) return
        this.#drawn.set(uid, view)
        if (isNativeView(view)) view.redraw()
    }
}

function isNativeView(view: unknown): view is NativeVideoView {
    return typeof view === 'object' && view !== null && 'redraw' in view && typeof view.redraw === 'function'
}
