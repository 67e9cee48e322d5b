/** One planned call at a time: a later plan takes the place of the one before. */

import type { Cancel, Clock } from './clock.ts'

export class Timer {
    readonly #clock: Clock
    #cancel: Cancel = () => {}
    #dueAt = Number.POSITIVE_INFINITY

    constructor(clock: Clock) {
        this.#clock = clock
    }

    /** When the planned call is made; infinite while none is planned. */
    get dueAt(): number {
        return this.#dueAt
    }

    get isSet(): boolean {
        return this.#dueAt < Number.POSITIVE_INFINITY
    }

    /** Runs once, `ms` milliseconds from now; `run` is told how much later it was. */
    set(ms: number, run: (lateMs: number) => void): void {
        this.stop()
        const dueAt = this.#clock.now() + ms
        this.#dueAt = dueAt
        this.#cancel = this.#clock.after(ms, () => {
            this.#dueAt = Number.POSITIVE_INFINITY
            run(this.#clock.now() - dueAt)
        })
    }

    /** The same, where nothing is planned that comes sooner. */
    setSooner(ms: number, run: () => void): void {
        if (this.#clock.now() + ms < this.#dueAt) this.set(ms, run)
    }

    stop(): void {
        this.#cancel()
        this.#dueAt = Number.POSITIVE_INFINITY
    }
}
