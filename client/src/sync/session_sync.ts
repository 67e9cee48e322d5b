/** The one place from which `sync` is called for a stream: one run at a time, whoever asks. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import { Wait } from '../clock/wait.ts'
import type { SyncResult } from '../contract/wire.ts'
import { isTerminal, StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import type { Transport } from '../transport/transport.ts'
import type { SyncConsumer, SyncCursor } from './sync_consumer.ts'

export interface SessionSyncOptions {
    sessionId: string
    transport: Transport
    clock: Clock
    random: Random
    serverClock: ServerClock
    /** A refusal that does not pass: banned, the stream is gone. */
    onRefused: (error: StreamError) => void
}

/** Of a thousand messages each; a server that always had more would be followed for ever. */
const MOST_PAGES = 1_000

export class SessionSync {
    readonly #options: SessionSyncOptions
    readonly #consumers = new Set<SyncConsumer>()
    #running: Promise<void> | null = null
    /** The wanted run, while its time has not come. */
    #planned: { at: number; cancel: Cancel } | null = null
    #failures = 0
    /** After a call that failed, whoever made it: what is wished for meanwhile waits too. */
    readonly #backoff: Wait
    #version: string | null = null
    #runs = 0
    /** Ends with the connection, and with each attempt to restore it: what is under way then changes nothing more. */
    #life = new AbortController()
    #isHeld = false

    constructor(options: SessionSyncOptions) {
        this.#options = options
        this.#backoff = new Wait(options.clock)
    }

    /** How many runs there were; each is one call, or as many as there are pages. */
    get runs(): number {
        return this.#runs
    }

    attach(consumer: SyncConsumer): () => void {
        this.#consumers.add(consumer)
        return () => {
            this.#consumers.delete(consumer)
        }
    }

    /** Gives every consumer the answer of a call that carries the same as `sync`, such as `join_stream`. */
    apply(result: SyncResult, knownBefore?: number): void {
        for (const consumer of this.#consumers) consumer.apply(result, knownBefore)
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
        this.#cancelPlanned()
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
        this.#cancelPlanned()
        this.#life.abort(new StreamError('aborted', 'another attempt has begun'))
        this.#life = new AbortController()
        this.#running = null
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
        const { clock, random } = this.#options
        if (this.#life.signal.aborted || this.#isHeld) return
        const delayMs = Math.max(withinMs * random.next(), this.#backoff.leftMs)
        const at = clock.now() + delayMs
        if (this.#planned && this.#planned.at <= at) return
        this.#cancelPlanned()
        const { signal } = this.#life
        const cancel = clock.after(delayMs, () => {
            this.#planned = null
            void this.#wished(signal)
        })
        this.#planned = { at, cancel }
    }

    /**
     * One poll: like `run`, but cheap while nothing has changed. Returns how long the server wants the next to wait. The
     * attempt that runs will sync: until then only polls in the place of Realtime are made.
     */
    async poll(isFallback: boolean): Promise<number | null> {
        if (this.#isHeld && !isFallback) return null
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
        this.#cancelPlanned()
        this.#life.abort(new StreamError('aborted', 'the connection was closed'))
    }

    resume(): void {
        if (this.#life.signal.aborted) this.#life = new AbortController()
        this.#running = null
        this.#succeeded()
    }

    async #poll(signal: AbortSignal): Promise<number | null> {
        const { afterSeq, epoch } = this.#cursor()
        const known = this.#known()
        const args = { session_id: this.#options.sessionId, after_seq: afterSeq, epoch }
        const answer = await this.#heeded(this.#options.transport.poll(args, this.#version, { signal }), signal)
        if (signal.aborted) return null
        this.#version = answer.version
        if (answer.result) {
            this.apply(answer.result, known)
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
            if (isTerminal(error)) this.#options.onRefused(error)
            else this.request()
        }
    }

    #cancelPlanned(): void {
        this.#planned?.cancel()
        this.#planned = null
    }

    async #pages(signal: AbortSignal): Promise<void> {
        const { transport, clock, serverClock, sessionId } = this.#options
        this.#runs++
        this.#version = null
        for (let page = 0; page < MOST_PAGES; page++) {
            const { afterSeq, epoch } = this.#cursor()
            const [sentAt, known] = [clock.now(), this.#known()]
            const args = { session_id: sessionId, after_seq: afterSeq, epoch }
            const result = await this.#heeded(transport.call('sync', args, { signal }), signal)
            if (signal.aborted) throw new StreamError('aborted', 'the connection was closed')
            serverClock.note(result.server_time, sentAt, clock.now())
            this.apply(result, known)
            const isFollowed = this.#cursor().afterSeq !== afterSeq
            if (!result.has_more || !isFollowed) return
        }
    }

    #cursor(): SyncCursor {
        for (const consumer of this.#consumers) {
            const cursor = consumer.cursor()
            if (cursor) return cursor
        }
        return {}
    }

    #known(): number {
        return Math.max(0, ...[...this.#consumers].map((consumer) => consumer.known?.() ?? 0))
    }

    /** A call whose failure makes later ones wait. */
    async #heeded<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
        try {
            const answer = await call
            this.#succeeded()
            return answer
        } catch (thrown) {
            if (!signal.aborted) {
                const mostMs = Math.min(20_000, 500 * 2 ** ++this.#failures)
                const leastMs = toStreamError(thrown).retryAfterMs ?? 500
                this.#backoff.begin(leastMs + (mostMs - 500) * this.#options.random.next())
            }
            throw thrown
        }
    }

    #succeeded(): void {
        this.#failures = 0
        this.#backoff.begin(0)
    }
}
