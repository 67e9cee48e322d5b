/** The clock that everything timed goes by; tests put their own in its place. */

/** Stops what was scheduled; later calls do nothing. */
export type Cancel = () => void

export interface Clock {
    /** Milliseconds since 1970. */
    now(): number
    /** Runs once, `ms` milliseconds from now, unless it is cancelled before. */
    after(ms: number, run: () => void): Cancel
}

export const systemClock: Clock = {
    now: () => Date.now(),
    after(ms, run) {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
    },
}
