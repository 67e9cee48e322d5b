/** A circuit breaker: after five failures of the service in a row, calls fail at once for thirty seconds. */

import type { Clock } from '../clock/clock.ts'
import { Wait } from '../clock/wait.ts'
import { StreamError, toStreamError } from '../error/stream_error.ts'

export type BreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

export interface CircuitBreaker {
    readonly state: BreakerState
    readonly failureCount: number
    readonly failureThreshold: number
    readonly timeout: number
    readonly lastFailureTime: Date | null
    execute<T>(operation: () => Promise<T>): Promise<T>
    reset(): void
    trip(): void
}

export interface BreakerOptions {
    clock: Clock
    /** Failures in a row that open it. */
    failureThreshold?: number
    /** Milliseconds until a call is let through to try. */
    timeout?: number
}

export class StreamServiceCircuitBreaker implements CircuitBreaker {
    readonly failureThreshold: number
    readonly timeout: number
    readonly #clock: Clock
    /** Of an open breaker. */
    readonly #wait: Wait
    #isClosed = true
    #failures = 0
    #lastFailureAt: number | null = null
    #isTrying = false
    /** Moves with every reset and trip: what began before them is judged no more. */
    #round = 0

    constructor({ clock, failureThreshold = 5, timeout = 30_000 }: BreakerOptions) {
        this.#clock = clock
        this.#wait = new Wait(clock)
        this.failureThreshold = failureThreshold
        this.timeout = timeout
    }

    get state(): BreakerState {
        if (this.#isClosed) return 'CLOSED'
        return this.#wait.leftMs > 0 ? 'OPEN' : 'HALF_OPEN'
    }

    get failureCount(): number {
        return this.#failures
    }

    get lastFailureTime(): Date | null {
        return this.#lastFailureAt === null ? null : new Date(this.#lastFailureAt)
    }

    /** Runs the operation, or rejects with `circuit_open` at once. Half open, one call at a time is let through. */
    async execute<T>(operation: () => Promise<T>): Promise<T> {
        const { state } = this
        if (state === 'OPEN' || (state === 'HALF_OPEN' && this.#isTrying)) {
            throw new StreamError('circuit_open', undefined, { retryAfterMs: this.#wait.leftMs })
        }
        const round = this.#round
        this.#isTrying = state === 'HALF_OPEN'
        try {
            const result = await operation()
            if (round === this.#round) this.reset()
            return result
        } catch (thrown) {
            if (round === this.#round) this.#failed(toStreamError(thrown))
            throw thrown
        } finally {
            if (round === this.#round) this.#isTrying = false
        }
    }

    reset(): void {
        this.#begin(true)
        this.#failures = 0
    }

    trip(): void {
        this.#begin(false)
        this.#wait.begin(this.timeout)
    }

    #begin(isClosed: boolean): void {
        this.#round++
        this.#isTrying = false
        this.#isClosed = isClosed
    }

    #failed(error: StreamError): void {
        if (error.code === 'aborted' || error.code === 'disposed') return
        if (!isFailureOfService(error)) return this.reset()
        this.#failures++
        this.#lastFailureAt = this.#clock.now()
        if (!this.#isClosed || this.#failures >= this.failureThreshold) this.trip()
    }
}

/** A refusal (4xx) is an answer: the service works. */
function isFailureOfService(error: StreamError): boolean {
    return error.status === 0
        ? error.category === 'network_error' || error.code === 'invalid_answer'
        : error.status >= 500
}
