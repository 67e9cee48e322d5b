/** Polling of `sync`: where frames come slowly because the server says so, and where Realtime is out of reach. */

import { Timer } from '../clock/timer.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { SessionSync } from '../sync/session_sync.ts'
import type { ConnectionParts } from './connection_parts.ts'

/** In place of Realtime, until the server names another. */
const FALLBACK_MS = 5_000

export class PollLoop {
    readonly #parts: Pick<ConnectionParts, 'clock' | 'random'>
    readonly #sync: SessionSync
    readonly #onRefused: (error: StreamError) => void
    readonly #next: Timer
    /** What the newest frame asked for. */
    #frameMs: number | null = null
    #isFallback = false
    #serverMs: number | null = null
    #failures = 0
    #round = 0
    #isRunning = false

    constructor(parts: ConnectionParts, sync: SessionSync, onRefused: (error: StreamError) => void) {
        this.#parts = parts
        this.#sync = sync
        this.#onRefused = onRefused
        this.#next = new Timer(parts.clock)
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
        if (this.#parts.clock.now() >= this.#next.dueAt) this.#plan()
    }

    stop(): void {
        this.#round++
        this.#next.stop()
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
        this.#next.stop()
        const ms = this.#intervalMs
        if (ms === null || this.#isRunning) return
        // More or less by a tenth, so that viewers do not come together.
        const wait = ms * (0.9 + this.#parts.random.next() * 0.2) * 2 ** Math.min(this.#failures, 4)
        this.#next.set(wait, () => void this.#poll())
    }

    async #poll(): Promise<void> {
        const round = this.#round
        this.#isRunning = true
        try {
            const ms = await this.#sync.poll(this.#isFallback)
            this.#serverMs = ms ?? this.#serverMs
            if (ms !== undefined) this.#failures = 0
        } catch (thrown) {
            if (round !== this.#round) return
            const error = toStreamError(thrown)
            if (isTerminal(error)) {
                this.stop()
                return this.#onRefused(error)
            }
            this.#failures++
        }
        if (round !== this.#round) return
        this.#isRunning = false
        this.#plan()
    }
}
