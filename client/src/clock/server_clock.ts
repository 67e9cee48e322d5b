/** An estimate of the server's clock, from the answer with the smallest round trip. */

import type { Clock } from './clock.ts'

/** A device's clock drifts, and the best sample of an hour ago is no longer the best. */
const KEPT_MS = 10 * 60_000

/** Estimates that are further apart than their errors and this: somebody has set the device's clock. */
const SET_MS = 1_000

interface Sample {
    takenAt: number
    roundTripMs: number
    offsetMs: number
}

export class ServerClock {
    readonly #clock: Clock
    #samples: Sample[] = []

    constructor(clock: Clock) {
        this.#clock = clock
    }

    /** Notes an answer that carried `serverTime`, of a call sent at `sentAt` and answered at `answeredAt`. */
    note(serverTime: string, sentAt: number, answeredAt: number): void {
        const server = Date.parse(serverTime)
        const roundTripMs = answeredAt - sentAt
        if (Number.isNaN(server) || roundTripMs < 0) return
        const offsetMs = server - (sentAt + roundTripMs / 2)
        const kept = this.#samples.filter(
            (sample) =>
                answeredAt - sample.takenAt < KEPT_MS &&
                Math.abs(sample.offsetMs - offsetMs) <= (sample.roundTripMs + roundTripMs) / 2 + SET_MS
        )
        // A sample is of use only until a better one is there that is also newer.
        this.#samples = kept.filter((sample) => sample.roundTripMs < roundTripMs)
        this.#samples.push({ takenAt: answeredAt, roundTripMs, offsetMs })
    }

    /** Milliseconds to add to the device's clock; 0 until an answer came. The error is at most half of the round trip. */
    get offsetMs(): number {
        return this.#samples[0]?.offsetMs ?? 0
    }

    /** Half of the smallest round trip, or null until an answer came. */
    get uncertaintyMs(): number | null {
        const best = this.#samples[0]
        return best ? best.roundTripMs / 2 : null
    }

    /** The server's time, in milliseconds since 1970. */
    now(): number {
        return this.#clock.now() + this.offsetMs
    }
}
