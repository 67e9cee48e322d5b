/** The one place from which `sync` is called for a stream: one run at a time, whoever asks. */

import { Timer } from '../clock/timer.ts'
import { Wait } from '../clock/wait.ts'
import type { ConnectionParts } from '../connection/connection_parts.ts'
import { obeyContract } from '../connection/contract_version.ts'
import { backoffMs } from '../connection/retry_policy.ts'
import { timedCall } from '../connection/timed_call.ts'
import type { SyncResult } from '../contract/wire.ts'
import { abortedError, isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { Args } from '../transport/transport.ts'
import type { SyncConsumer, SyncCursor } from './sync_consumer.ts'

export type SyncParts = Pick<ConnectionParts, 'transport' | 'clock' | 'random' | 'serverClock'>

/** Of a thousand messages each; a server that always had more would be followed for ever. */
const MOST_PAGES = 1_000

export class SessionSync {
    readonly #sessionId: string
    readonly #parts: SyncParts
    readonly #onRefused: (error: StreamError) => void
    readonly #consumers = new Set<SyncConsumer>()
    #running: Promise<void> | null = null
    /** The wanted run, while its time has not come. */
    readonly #planned: Timer
    #failures = 0
    /** After a call that failed, whoever made it: what is wished for meanwhile waits too. */
    readonly #backoff: Wait
    #version: string | null = null
    /** How many runs have begun. */
    #runs = 0
    /** Ends with the connection, and with each attempt to restore it: what is under way then changes nothing more. */
    #life = new AbortController()
    #isHeld = false

    /** `onRefused` is told of a refusal that does not pass: banned, the stream is gone. */
    constructor(sessionId: string, parts: SyncParts, onRefused: (error: StreamError) => void) {
        this.#sessionId = sessionId
        this.#parts = parts
        this.#onRefused = onRefused
        this.#planned = new Timer(parts.clock)
        this.#backoff = new Wait(parts.clock)
    }

    attach(consumer: SyncConsumer): () => void {
        this.#consumers.add(consumer)
        return () => {
            this.#consumers.delete(consumer)
        }
    }

    /** Gives every consumer the answer of a call that carries the same as `sync`, such as `join_stream`. */
    apply(result: SyncResult): void {
        for (const consumer of this.#consumers) consumer.apply(result)
    }

    /** The same with a newest page, which would tear a log that is held: its consumer waits for the sync that continues it. */
    applyNewest(result: SyncResult): void {
        for (const consumer of this.#consumers) {
            if (consumer.cursor()?.afterSeq === undefined) consumer.apply(result)
        }
    }

    observeHead(headSeq: number, epoch: string): void {
        for (const consumer of this.#consumers) consumer.observeHead?.(headSeq, epoch)
    }

    /** Syncs now, in place of what was planned; joins the run that is under way. */
    run(): Promise<void> {
        this.#planned.stop()
        this.#isHeld = false
        if (this.#running) return this.#running
        const running = this.#pages(this.#life.signal).finally(() => {
            if (this.#running === running) this.#running = null
        })
        this.#running = running
        return running
    }

    /** Gives up what is under way, and takes no wishes until the next `run` or `release`: the attempt will sync anyway. */
    hold(): void {
        this.stop()
        this.resume()
        this.#isHeld = true
    }

    release(): void {
        this.#isHeld = false
    }

    /**
     * Syncs within `withinMs`, at a random moment; an earlier wish stays. A run that fails is repeated, after 0.5 to 20 s
     * or what the server says, until it succeeds or the connection makes its own.
     */
    request(withinMs = 0): void {
        const { signal } = this.#life
        if (signal.aborted || this.#isHeld) return
        const delayMs = Math.max(withinMs * this.#parts.random.next(), this.#backoff.leftMs)
        this.#planned.setSooner(delayMs, () => void this.#wished(signal))
    }

    /**
     * One poll: like `run`, but cheap while nothing has changed. Returns how long the server wants the next to wait. None
     * is made while a failure makes it wait, and while an attempt runs, which will sync, none but in the place of Realtime.
     */
    async poll(isFallback: boolean): Promise<number | null | undefined> {
        if (this.#backoff.leftMs > 1 || (this.#isHeld && !isFallback)) return undefined
        const { signal } = this.#life
        try {
            return await (this.#running ? this.#running.then(() => null) : this.#poll(signal))
        } catch (thrown) {
            // An attempt took its place.
            if (signal.aborted) return null
            throw thrown
        }
    }

    /** Ends all of it until `resume`. */
    stop(): void {
        this.#planned.stop()
        this.#life.abort()
    }

    resume(): void {
        if (this.#life.signal.aborted) this.#life = new AbortController()
        this.#running = null
    }

    async #poll(signal: AbortSignal): Promise<number | null> {
        const runs = this.#runs
        const call = this.#parts.transport.poll(this.#args(), this.#version, { signal })
        const answer = await this.#heeded(call)
        // A run that has begun since brings more, or has brought it.
        if (signal.aborted || runs !== this.#runs) return null
        this.#version = answer.version
        if (answer.result) {
            obeyContract(answer.result)
            this.apply(answer.result)
            if (answer.result.has_more) await this.run()
        }
        return answer.pollIntervalMs
    }

    async #wished(signal: AbortSignal): Promise<void> {
        // A run under way may have read before what the caller wants: another one follows it.
        await this.#running?.catch(() => {})
        if (signal.aborted) return
        // A call has failed since this was planned; a timer may be early by a millisecond.
        if (this.#backoff.leftMs > 1) return this.request()
        try {
            await this.run()
        } catch (thrown) {
            if (signal.aborted) return
            const error = toStreamError(thrown)
            if (isTerminal(error)) this.#onRefused(error)
            else this.request()
        }
    }

    async #pages(signal: AbortSignal): Promise<void> {
        this.#runs++
        this.#version = null
        for (let page = 0; page < MOST_PAGES; page++) {
            const args = this.#args()
            const { result } = await this.#heeded(timedCall(this.#parts, 'sync', args, signal))
            if (signal.aborted) throw abortedError(signal)
            this.apply(result)
            const isFollowed = this.#args().after_seq !== args.after_seq
            if (!result.has_more || !isFollowed) return
        }
    }

    #args(): Args<'sync'> {
        let cursor: SyncCursor | null = null
        for (const consumer of this.#consumers) cursor ??= consumer.cursor()
        return { session_id: this.#sessionId, after_seq: cursor?.afterSeq, epoch: cursor?.epoch }
    }

    /** A call whose failure makes later ones wait. */
    #heeded<T>(call: Promise<T>): Promise<T> {
        const { signal } = this.#life
        call.then(
            () => {
                this.#failures = 0
                this.#backoff.begin(0)
            },
            (thrown: unknown) => {
                if (signal.aborted) return
                const jitterMs = backoffMs(++this.#failures, this.#parts.random.next())
                this.#backoff.begin(jitterMs + (toStreamError(thrown).retryAfterMs ?? 0))
            }
        )
        return call
    }
}
