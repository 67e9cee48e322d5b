/** Heartbeats of a connected device, at the times that the server names. */

import { Timer } from '../clock/timer.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type { Place } from './place.ts'
import type { QualityMeter } from './quality_meter.ts'

/** Until the server names a time. */
const FIRST_AFTER_MS = 15_000
/** A heartbeat without an answer is repeated sooner: a lease lasts three of them. */
const REPEATED_AFTER_MS = 3_000
/** Timers in the background are late by up to a minute; more is sleep. */
const GAP_MS = 65_000

export class HeartbeatLoop {
    readonly #place: Place
    readonly #parts: Pick<ConnectionParts, 'random' | 'wakes'>
    readonly #meter: QualityMeter
    readonly #onRefused: (error: StreamError) => void
    readonly #next: Timer
    #life: AbortController | null = null

    /** `onRefused` is told of a refusal: the place is lost, or more than that. */
    constructor(place: Place, parts: ConnectionParts, meter: QualityMeter, onRefused: (error: StreamError) => void) {
        this.#place = place
        this.#parts = parts
        this.#meter = meter
        this.#onRefused = onRefused
        this.#next = new Timer(parts.clock)
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
        this.#next.stop()
        this.#life?.abort()
        this.#life = null
    }

    #plan(ms: number, signal: AbortSignal): void {
        this.#next.set(ms, (lateMs) => {
            if (lateMs > GAP_MS) this.#parts.wakes.noteGap()
            // Where nothing reconnects by itself the heartbeat finds out what the sleep has cost.
            if (!signal.aborted) void this.#send(signal)
        })
    }

    async #send(signal: AbortSignal): Promise<void> {
        const { random } = this.#parts
        try {
            const { next_in_ms: nextInMs } = await this.#place.heartbeat(signal)
            if (!signal.aborted) this.#plan(nextInMs * (0.9 + random.next() / 10), signal)
        } catch (thrown) {
            if (signal.aborted) return
            const error = toStreamError(thrown)
            if (isTerminal(error) || error.code === 'not_viewer') return this.#onRefused(error)
            this.#meter.missed()
            this.#plan(error.retryAfterMs ?? REPEATED_AFTER_MS * (0.5 + random.next()), signal)
        }
    }
}
