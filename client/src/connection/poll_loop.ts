/** Polling of `sync`: where frames come slowly because the server says so, and where Realtime is out of reach. */

import type { Cancel, Clock } from '../clock/clock.ts'
import { Wait } from '../clock/wait.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'

export interface PollLoopOptions {
    clock: Clock
    random: Random
    /** Polls once; resolves with what the server wants the next one to wait. */
    poll: (isFallback: boolean) => Promise<number | null>
    onRefused: (error: StreamError) => void
}

/** In place of Realtime, until the server names another. */
const FALLBACK_MS = 5_000

export class PollLoop {
    readonly #options: PollLoopOptions
    #cancel: Cancel = () => {}
    /** What the newest frame asked for. */
    #frameMs: number | null = null
    #isFallback = false
    #serverMs: number | null = null
    #failures = 0
    #round = 0
    #isRunning = false
    /** What the server said when it refused the last one. */
    readonly #refusal: Wait

    constructor(options: PollLoopOptions) {
        this.#options = options
        this.#refusal = new Wait(options.clock)
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
        const ms = this.#intervalMs
        if (ms === null || this.#isRunning) return
        const { clock, random } = this.#options
        // More or less by a tenth, so that viewers do not come together.
        const wait = ms * (0.9 + random.next() * 0.2) * 2 ** Math.min(this.#failures, 4)
        this.#cancel = clock.after(Math.max(wait, this.#refusal.leftMs), () => void this.#poll())
    }

    async #poll(): Promise<void> {
        const round = this.#round
        this.#isRunning = true
        try {
            this.#serverMs = (await this.#options.poll(this.#isFallback)) ?? this.#serverMs
            this.#failures = 0
        } catch (thrown) {
            if (round !== this.#round) return
            const error = toStreamError(thrown)
            if (isTerminal(error)) {
                this.stop()
                return this.#options.onRefused(error)
            }
            this.#failures++
            this.#refusal.begin(error.retryAfterMs ?? 0)
        }
        if (round !== this.#round) return
        this.#isRunning = false
        this.#plan()
    }
}
