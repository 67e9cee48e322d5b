/** Calls of the services: behind the breaker, and sent again where that is safe and the catalogue says so. */

import type { CircuitBreaker } from '../breaker/circuit_breaker.ts'
import type { Clock } from '../clock/clock.ts'
import { sleep } from '../clock/sleep.ts'
import { type OperationName, ROUTES } from '../contract/operations.ts'
import { isRetried, retryDelayMs } from '../error/error_handler.ts'
import { abortedError, StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import type { Args, CallOptions, Result, Transport } from '../transport/transport.ts'

export interface CallsOptions {
    transport: Transport
    breaker: CircuitBreaker
    clock: Clock
    random: Random
}

export class Calls {
    readonly #options: CallsOptions
    readonly #ended = new AbortController()

    constructor(options: CallsOptions) {
        this.#options = options
    }

    /**
     * Calls an operation; rejects with a `StreamError`. A call that takes a request id gets one, so a repetition of it
     * changes nothing twice.
     */
    async run<Name extends OperationName>(
        name: Name,
        args: Args<Name>,
        options: CallOptions = {}
    ): Promise<Result<Name>> {
        const { transport, breaker, clock, random } = this.#options
        const signal = joined(this.#ended.signal, options.signal)
        const repeat = ROUTES[name][2]
        const all = repeat === 'request_id' ? { request_id: random.uuid(), ...args } : args
        const isRepeatable = repeat === true || (repeat !== false && (all as Record<string, unknown>)[repeat] != null)
        try {
            for (let attempt = 1; ; attempt++) {
                if (signal.signal.aborted) throw abortedError(signal.signal)
                try {
                    return await breaker.execute(() => transport.call(name, all, { signal: signal.signal }))
                } catch (thrown) {
                    const error = toStreamError(thrown)
                    if (!isRepeatable || error.code === 'circuit_open' || !isRetried(error, attempt)) throw error
                    // Half of it at least: clients that failed together come back apart.
                    const waitMs =
                        retryDelayMs(error, attempt) * (error.retryAfterMs === null ? 0.5 + random.next() / 2 : 1)
                    await sleep(clock, waitMs, signal.signal)
                }
            }
        } finally {
            signal.release()
        }
    }

    /** Ends what is under way and refuses what comes after it, with `disposed`. */
    dispose(): void {
        this.#ended.abort(new StreamError('disposed'))
    }
}

/** `AbortSignal.any`, which React Native does not have; `release` lets go of both signals. */
export function joined(one: AbortSignal, other: AbortSignal | undefined): { signal: AbortSignal; release: () => void } {
    if (!other) return { signal: one, release: () => {} }
    const controller = new AbortController()
    const signals = [one, other]
    const listeners = signals.map((signal) => () => controller.abort(signal.reason))
    signals.forEach((signal, index) => {
        if (signal.aborted) controller.abort(signal.reason)
        else signal.addEventListener('abort', listeners[index] as () => void, { once: true })
    })
    return {
        signal: controller.signal,
        release: () =>
            signals.forEach((signal, index) => {
                signal.removeEventListener('abort', listeners[index] as () => void)
            }),
    }
}
