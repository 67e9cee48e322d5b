/** A watchdog: tells when a sign of life has not come in its time. */

import type { Cancel, Clock } from '../clock/clock.ts'

/** A timer that comes so late slept with the device; the time begins when both are awake. */
const LATE_MS = 1_000

export class Watchdog {
    readonly #clock: Clock
    readonly #onMissed: () => void
    #limitMs: number | null = null
    #since = 0
    #cancel: Cancel | null = null

    constructor(clock: Clock, onMissed: () => void) {
        this.#clock = clock
        this.#onMissed = onMissed
    }

    /**
     * Expects signs within `limitMs` of each other, the first one of `since`, or now; null: none. The same limit again
     * changes nothing.
     */
    expect(limitMs: number | null, since: number = this.#clock.now()): void {
        if (limitMs === this.#limitMs) return
        this.stop()
        this.#limitMs = limitMs
        this.#since = since
        this.#arm()
    }

    /** A sign of life came. */
    seen(): void {
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

    /** One timer for many signs: when it fires, the newest of them says how much time is left. */
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
