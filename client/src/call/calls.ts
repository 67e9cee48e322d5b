/** Calls of the services: behind the breaker, and sent again where that is safe and the catalogue says so. */

import type { CircuitBreaker } from '../breaker/circuit_breaker.ts'
import type { Clock } from '../clock/clock.ts'
import { joined } from '../clock/joined.ts'
import { sleep } from '../clock/sleep.ts'
import { type OperationName, REPEATS } from '../contract/operations.ts'
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
        const { signal, release } = joined(this.#ended.signal, options.signal)
        const repeat = Object.keys(REPEATS).find((argument) => REPEATS[argument]?.split(' ').includes(name))
        const all = repeat === 'request_id' ? { request_id: random.uuid(), ...args } : args
        // No operation has an argument `never`.
        const isRepeatable = !repeat || (all as Record<string, unknown>)[repeat] != null
        try {
            for (let attempt = 1; ; attempt++) {
                if (signal.aborted) throw abortedError(signal)
                try {
                    return await breaker.execute(() => transport.call(name, all, { signal }))
                } catch (thrown) {
                    const error = toStreamError(thrown)
                    if (!isRepeatable || error.code === 'circuit_open' || !isRetried(error, attempt)) throw error
                    // Half of it at least: clients that failed together come back apart.
                    const waitMs =
                        retryDelayMs(error, attempt) * (error.retryAfterMs === null ? 0.5 + random.next() / 2 : 1)
                    await sleep(clock, waitMs, signal)
                }
            }
        } finally {
            release()
        }
    }

    /** Ends what is under way and refuses what comes after it, with `disposed`. */
    dispose(): void {
        this.#ended.abort(new StreamError('disposed'))
    }
}
