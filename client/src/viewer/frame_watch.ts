/** A watchdog for pictures: tells when the one that is owed has not come in its time. */

import type { Cancel, Clock } from '../clock/clock.ts'

/** From a subscription to its first picture. */
export const FIRST_FRAME_MS = 5_000
/** From one picture to the next. */
export const NEXT_FRAME_MS = 2_000

/** A timer that comes so late slept with the device; the time begins when both are awake. */
const LATE_MS = 1_000

export class FrameWatch {
    readonly #clock: Clock
    readonly #onMissed: () => void
    #limitMs: number | null = null
    #since = 0
    #cancel: Cancel | null = null

    constructor(clock: Clock, onMissed: () => void) {
        this.#clock = clock
        this.#onMissed = onMissed
    }

    /** Expects pictures within `limitMs` from now; null: none. The same limit again changes nothing. */
    expect(limitMs: number | null): void {
        if (limitMs === this.#limitMs) return
        this.stop()
        this.#limitMs = limitMs
        this.restart()
    }

    /** A picture came. */
    frame(): void {
        this.#since = this.#clock.now()
    }

    /** Gives the whole time anew. */
    restart(): void {
        this.#cancel?.()
        this.#since = this.#clock.now()
        this.#arm()
    }

    stop(): void {
        this.#cancel?.()
        this.#cancel = null
        this.#limitMs = null
    }

    /** One timer for many pictures: when it fires, the newest of them says how much time is left. */
    #arm(): void {
        if (this.#limitMs === null) return
        const dueAt = this.#since + this.#limitMs
        this.#cancel = this.#clock.after(dueAt - this.#clock.now(), () => {
            const now = this.#clock.now()
            if (this.#limitMs === null) return
            if (now - dueAt > LATE_MS) return this.restart()
            if (now - this.#since < this.#limitMs) return this.#arm()
            this.restart()
            this.#onMissed()
        })
    }
}
