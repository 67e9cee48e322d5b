/** Attempts to connect: one at a time, planned by the retry policy, at once after a wake. */

import { within } from '../clock/deadline.ts'
import { Timer } from '../clock/timer.ts'
import { isTerminal, StreamError, toStreamError } from '../error/stream_error.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type { ConnectionReason, RetryFunction, RetryPolicy } from './connection_types.ts'
import { backoffMs, FIRST_WITHIN_MS, nextDelayMs, SERVER_LOSS_JITTER_MS } from './retry_policy.ts'

export interface AttemptsOptions {
    policy: () => RetryPolicy | RetryFunction
    /** One attempt; resolves when everything is restored. */
    perform: (signal: AbortSignal) => Promise<void>
    onBegun: (reason: ConnectionReason) => void
    onDone: (reason: ConnectionReason) => void
    onFailed: (error: StreamError) => void
    /** The last attempt has failed, or one was refused for good. Nothing more happens by itself. */
    onGivenUp: (error: StreamError) => void
}

/** All steps of an attempt together; each has its own bound below this one. */
const ATTEMPT_WITHIN_MS = 45_000

/** A connection that lived shorter than this was none: the waiting goes on growing. */
const STABLE_AFTER_MS = 10_000

/** The waiting grows so often. */
const MOST_LOOPS = 8

export class Attempts {
    readonly #options: AttemptsOptions
    readonly #parts: ConnectionParts
    readonly #next: Timer
    #running: { controller: AbortController; sleepNo: number } | null = null
    /** The reason of the loss, kept through all attempts that follow it. */
    #reason: ConnectionReason = 'connect'
    #failed = 0
    /** Connections in a row that were lost as soon as they were made. */
    #loops = 0
    /** The connection that was made last. */
    #done: { at: number; sleepNo: number } | null = null

    constructor(parts: ConnectionParts, options: AttemptsOptions) {
        this.#parts = parts
        this.#options = options
        this.#next = new Timer(parts.clock)
    }

    get isRunning(): boolean {
        return this.#running !== null
    }

    /** Whether an attempt runs or is planned: then a loss is no news. */
    get isBusy(): boolean {
        return this.isRunning || this.#next.isSet
    }

    /** The first attempt, or one that the user asked for: at once, with all attempts to come. */
    begin(reason: ConnectionReason): void {
        this.#failed = 0
        this.#loops = 0
        this.#start(reason)
    }

    /**
     * After a loss, where none runs or is planned: soon, but not at the same moment as everybody else. One that comes again
     * and again is waited for ever longer, the drop of a network 5 s at most.
     */
    afterLoss(reason: ConnectionReason, error: StreamError, loss: 'drop' | 'refusal'): void {
        const { clock, random } = this.#parts
        const { policy } = this.#options
        const isLoop = this.#done !== null && clock.now() - this.#done.at < STABLE_AFTER_MS
        this.#loops = isLoop ? this.#loops + 1 : 0
        if (this.#loops < 2) return this.#plan(reason, error.retryAfterMs ?? random.next() * SERVER_LOSS_JITTER_MS)
        // Later each time, and never given up: every one of these connections was made.
        const loops = Math.min(this.#loops, MOST_LOOPS)
        const delayMs = nextDelayMs(policy(), loops, error, random.next()) ?? backoffMs(loops, random.next())
        const isDrop = loss === 'drop' && error.retryAfterMs === null
        this.#plan(reason, isDrop ? Math.min(delayMs, FIRST_WITHIN_MS) : delayMs)
    }

    /** After a wake: at once, unless an attempt of the same wake runs or has succeeded. */
    afterWake(reason: ConnectionReason, sleepNo: number): void {
        if ((this.#running ?? this.#done)?.sleepNo === sleepNo) return
        this.#failed = 0
        this.#start(reason)
    }

    /** Ends the attempt that runs and forgets the one that is planned. */
    stop(): void {
        this.#next.stop()
        this.#running?.controller.abort()
        this.#running = null
        this.#done = null
    }

    #plan(reason: ConnectionReason, delayMs: number): void {
        this.#next.set(delayMs, () => this.#start(reason))
    }

    #start(reason: ConnectionReason): void {
        const { clock, wakes } = this.#parts
        const { perform, onBegun, onDone } = this.#options
        this.stop()
        this.#reason = reason
        const attempt = { controller: new AbortController(), sleepNo: wakes.sleepNo }
        this.#running = attempt
        onBegun(reason)
        within(clock, ATTEMPT_WITHIN_MS, attempt.controller.signal, perform).then(
            () => {
                if (this.#running !== attempt) return
                this.#running = null
                this.#failed = 0
                this.#done = { at: clock.now(), sleepNo: attempt.sleepNo }
                onDone(reason)
            },
            (thrown: unknown) => {
                if (this.#running !== attempt) return
                this.#running = null
                this.#fail(toStreamError(thrown))
            }
        )
    }

    #fail(error: StreamError): void {
        const { random, wakes } = this.#parts
        const { policy, onFailed, onGivenUp } = this.#options
        if (isTerminal(error)) return onGivenUp(error)
        const delayMs = nextDelayMs(policy(), this.#failed + 1, error, random.next())
        // Without a network there is nothing to be counted: no attempt can succeed.
        if (wakes.isOnline) {
            this.#failed++
            if (delayMs === null) {
                return onGivenUp(new StreamError('reconnect_exhausted', undefined, { cause: error }))
            }
        }
        this.#plan(this.#reason, delayMs ?? FIRST_WITHIN_MS)
        onFailed(error)
    }
}
