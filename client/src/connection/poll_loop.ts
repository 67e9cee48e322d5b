/** Polling of `sync`: where frames come slowly because the server says so, and where Realtime is out of reach. */

import type { Cancel, Clock } from '../clock/clock.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'

export interface PollLoopOptions {
    clock: Clock
    random: Random
    /** Polls once; resolves with what the server wants the next one to wait, with undefined where it was no time to poll. */
    poll: (isFallback: boolean) => Promise<number | null | undefined>
    onRefused: (error: StreamError) => void
}

/** In place of Realtime, until the server names another. */
const FALLBACK_MS = 5_000

export class PollLoop {
    readonly #options: PollLoopOptions
    #cancel: Cancel = () => {}
    /** When the planned one is made. */
    #dueAt = Number.POSITIVE_INFINITY
    /** What the newest frame asked for. */
    #frameMs: number | null = null
    #isFallback = false
    #serverMs: number | null = null
    #failures = 0
    #round = 0
    #isRunning = false

    constructor(options: PollLoopOptions) {
        this.#options = options
    }

    /** `poll_ms` of a frame: null ends it. */
    obeyFrame(ms: number | null): void {
        const isOther = ms !== this.#frameMs
        this.#frameMs = ms
        if (isOther) this.#plan()
    }

    /** Polls while Realtime is out of reach, though calls get through; without, the next one is a whole interval away. */
    setFallback(isOn: boolean): void {
        if (isOn && this.#isFallback) return
        this.#isFallback = isOn
        this.#plan()
    }

    /** A poll whose time passed while the device slept is not made up for: whatever wakes up syncs. */
    skipOverdue(): void {
        if (this.#options.clock.now() >= this.#dueAt) this.#plan()
    }

    stop(): void {
        this.#round++
        this.#cancel()
        this.#isRunning = false
        this.#isFallback = false
        this.#frameMs = null
        this.#failures = 0
    }

    get #intervalMs(): number | null {
        if (this.#isFallback) return this.#serverMs ?? FALLBACK_MS
        return this.#frameMs
    }

    #plan(): void {
        this.#cancel()
        this.#dueAt = Number.POSITIVE_INFINITY
        const ms = this.#intervalMs
        if (ms === null || this.#isRunning) return
        const { clock, random } = this.#options
        // More or less by a tenth, so that viewers do not come together.
        const wait = ms * (0.9 + random.next() * 0.2) * 2 ** Math.min(this.#failures, 4)
        this.#dueAt = clock.now() + wait
        this.#cancel = clock.after(wait, () => void this.#poll())
    }

    async #poll(): Promise<void> {
        const round = this.#round
        this.#isRunning = true
        this.#dueAt = Number.POSITIVE_INFINITY
        try {
            const ms = await this.#options.poll(this.#isFallback)
            this.#serverMs = ms ?? this.#serverMs
            if (ms !== undefined) this.#failures = 0
        } catch (thrown) {
            if (round !== this.#round) return
            const error = toStreamError(thrown)
            if (isTerminal(error)) {
                this.stop()
                return this.#options.onRefused(error)
            }
            this.#failures++
        }
        if (round !== this.#round) return
        this.#isRunning = false
        this.#plan()
    }
}
