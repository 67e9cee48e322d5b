/** Heartbeats of a connected device, at the times that the server names. */

import type { Cancel, Clock } from '../clock/clock.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import type { Place } from './place.ts'

export interface HeartbeatLoopOptions {
    place: Place
    clock: Clock
    random: Random
    /** A heartbeat got no answer, and another follows. */
    onMissed: (error: StreamError) => void
    /** A refusal: the place is lost, or more than that. */
    onRefused: (error: StreamError) => void
    /** A timer came so late that the device must have slept. */
    onGap: () => void
}

/** Until the server names a time. */
const FIRST_AFTER_MS = 15_000
/** A heartbeat without an answer is repeated sooner: a lease lasts three of them. */
const REPEATED_AFTER_MS = 3_000
/** Timers in the background are late by up to a minute; more is sleep. */
const GAP_MS = 65_000

export class HeartbeatLoop {
    readonly #options: HeartbeatLoopOptions
    #cancel: Cancel = () => {}
    #life: AbortController | null = null

    constructor(options: HeartbeatLoopOptions) {
        this.#options = options
    }

    /** Begins, with the first one after `ms`; a loop that runs is begun anew. */
    start(ms: number = FIRST_AFTER_MS): void {
        this.stop()
        this.#life = new AbortController()
        this.#plan(ms, this.#life.signal)
    }

    /** Sends one at once, in place of the next. */
    hurry(): void {
        if (this.#life) this.start(0)
    }

    stop(): void {
        this.#cancel()
        this.#life?.abort()
        this.#life = null
    }

    #plan(ms: number, signal: AbortSignal): void {
        const { clock, onGap } = this.#options
        const dueAt = clock.now() + ms
        this.#cancel = clock.after(ms, () => {
            if (clock.now() - dueAt > GAP_MS) onGap()
            // Where nothing reconnects by itself the heartbeat finds out what the sleep has cost.
            if (!signal.aborted) void this.#send(signal)
        })
    }

    async #send(signal: AbortSignal): Promise<void> {
        const { place, random, onMissed, onRefused } = this.#options
        try {
            const { next_in_ms: nextInMs } = await place.heartbeat(signal)
            if (!signal.aborted) this.#plan(nextInMs * (0.9 + random.next() / 10), signal)
        } catch (thrown) {
            if (signal.aborted) return
            const error = toStreamError(thrown)
            if (isTerminal(error) || error.code === 'not_viewer') return onRefused(error)
            onMissed(error)
            this.#plan(error.retryAfterMs ?? REPEATED_AFTER_MS * (0.5 + random.next()), signal)
        }
    }
}
