/** A clock that moves only when a test moves it, and the work that waits between its ticks. */

import type { Cancel, Clock } from '../clock/clock.ts'

interface Timer {
    at: number
    no: number
    run: () => void
}

export class FakeClock implements Clock {
    #now: number
    #no = 0
    readonly #timers = new Set<Timer>()

    constructor(startMs: number = Date.UTC(2026, 0, 1)) {
        this.#now = startMs
    }

    now(): number {
        return this.#now
    }

    after(ms: number, run: () => void): Cancel {
        const timer = { at: this.#now + Math.max(0, ms), no: this.#no++, run }
        this.#timers.add(timer)
        return () => {
            this.#timers.delete(timer)
        }
    }

    /** How many timers wait. */
    get pending(): number {
        return this.#timers.size
    }

    /** Lets promises settle without time passing. */
    async settle(): Promise<void> {
        for (let turn = 0; turn < 30; turn++) await Promise.resolve()
        await new Promise<void>(turnOfEvents)
    }

    /** Moves by `ms`, running every timer at its own time. */
    async advance(ms: number): Promise<void> {
        const end = this.#now + ms
        await this.settle()
        for (let next = this.#next(end); next; next = this.#next(end)) {
            this.#now = Math.max(this.#now, next.at)
            this.#timers.delete(next)
            next.run()
            await this.settle()
        }
        this.#now = end
    }

    /** A sleep of the device: time passes and no timer runs; those that were due run when it wakes. */
    sleep(ms: number): void {
        this.#now += ms
    }

    #next(end: number): Timer | undefined {
        const due = [...this.#timers].filter(({ at }) => at <= end)
        return due.sort((one, other) => one.at - other.at || one.no - other.no)[0]
    }
}

/** Runs after everything that the platform has queued: by `setImmediate` where there is one, else by a message. */
function turnOfEvents(run: () => void): void {
    if (typeof setImmediate === 'function') {
        setImmediate(run)
        return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
        port1.close()
        run()
    }
    port2.postMessage(null)
}
