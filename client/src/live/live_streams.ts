/** The list of streams that are on: pages of it, kept up to date by the topic `live`. */

import type { Calls } from '../call/calls.ts'
import { named } from '../call/named.ts'
import type { Cancel, Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import type { LiveStream } from '../contract/named.ts'
import type { OperationName } from '../contract/operations.ts'
import type { LiveEvent } from '../contract/wire.ts'
import { EventEmitter, endAll, type Unsubscribe } from '../emitter/emitter.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { Wakes } from '../lifecycle/wakes.ts'
import type { Random } from '../random/random.ts'
import type { ChannelLease, Channels } from '../realtime/channels.ts'
import type { Args, Result } from '../transport/transport.ts'

export interface LiveStreamsSnapshot {
    readonly status: 'idle' | 'loading' | 'ready' | 'error'
    /** The newest first. */
    readonly streams: readonly LiveStream[]
    /** Whether `loadMore` finds others. */
    readonly hasMore: boolean
    readonly error: StreamError | null
}

export interface LiveStreamsParts {
    calls: Pick<Calls, 'run'>
    channels: Channels
    wakes: Wakes
    clock: Clock
    random: Random
}

/** Everybody who has the list open hears of a stream at the same moment. */
const SPREAD_MS = 2_000
/** The list does not wait longer for its topic. */
const JOINED_WITHIN_MS = 2_000
const BACKOFF = { least: 500, most: 20_000 }

export class LiveStreams extends EventEmitter<{ change: LiveStreamsSnapshot }> {
    readonly #parts: LiveStreamsParts
    readonly #pageSize: number
    readonly #lease: ChannelLease<'live'>
    readonly #ends: Unsubscribe[]
    readonly #life = new AbortController()
    #snapshot: LiveStreamsSnapshot = { status: 'loading', streams: [], hasMore: false, error: null }
    #after: string | null = null
    #retry: Cancel | null = null
    #waits = new Set<Cancel>()
    #failed = 0
    #asked = 0
    /** What ended while calls are under way; their answers may not know it. */
    readonly #ended = new Set<string>()
    #work: Promise<void> | null = null

    constructor(parts: LiveStreamsParts, pageSize: number) {
        super()
        this.#parts = parts
        this.#pageSize = pageSize
        this.#lease = parts.channels.hold('live')
        this.#ends = [
            this.#lease.on('live', (event) => this.#take(event)),
            // What was sent may be lost: all of the list is read again.
            this.#lease.on('resync', () => this.#soon(() => void this.refresh())),
            this.#lease.on('lost', () => this.#later()),
            parts.wakes.on('wake', () => this.refresh()),
        ]
        void this.refresh()
    }

    /** The same object until something changes. */
    get snapshot(): LiveStreamsSnapshot {
        return this.#snapshot
    }

    /** Joins the topic and reads the first page again. Never rejects: the snapshot has the error. */
    refresh(): Promise<void> {
        this.#retry?.()
        this.#retry = null
        this.#work ??= this.#refresh()
            .then(
                () => {
                    this.#failed = 0
                },
                (thrown: unknown) => this.#fail(toStreamError(thrown))
            )
            .finally(() => {
                this.#work = null
            })
        return this.#work
    }

    /** Reads the next page. Never rejects. */
    async loadMore(): Promise<void> {
        if (this.#after === null) return
        try {
            await this.#read(this.#after)
        } catch (thrown) {
            this.#change({ error: toStreamError(thrown) })
        }
    }

    dispose(): void {
        this.#life.abort()
        this.#retry?.()
        for (const cancel of this.#waits) cancel()
        endAll(this.#ends)
        this.#lease.leave()
        this.clear()
    }

    async #refresh(): Promise<void> {
        const { channels, wakes, clock } = this.#parts
        const { signal } = this.#life
        await channels.prepare(wakes.sleepNo)
        if (signal.aborted) return
        this.#lease.ensure()
        // First the topic, then the list: what begins in between is in one of both.
        const joined = this.#lease.whenReady(signal)
        try {
            await within(clock, JOINED_WITHIN_MS, signal, () => joined)
        } catch {
            await this.#read(null)
            await joined
        }
        await this.#read(null)
    }

    async #read(after: string | null): Promise<void> {
        const shown = this.#snapshot.streams
        // A page that is under way follows what is shown now, not what this will read.
        if (after === null) this.#after = null
        await this.#ask('list_live_streams', { page_size: this.#pageSize, after }, (page) => {
            if (after !== this.#after) return
            this.#after = page.next_after
            const { streams } = this.#snapshot
            const before = after === null ? streams.filter((stream) => !shown.includes(stream)) : streams
            const known = new Set([...this.#ended, ...before.map(({ sessionId }) => sessionId)])
            const read = page.streams.map((stream) => named<LiveStream>(stream))
            this.#change({
                status: 'ready',
                streams: [...before, ...read.filter(({ sessionId }) => !known.has(sessionId))],
                hasMore: this.#after !== null,
                error: null,
            })
        })
    }

    async #ask<Name extends OperationName>(
        name: Name,
        args: Args<Name>,
        take: (result: Result<Name>) => void
    ): Promise<void> {
        if (this.#asked++ === 0) this.#ended.clear()
        try {
            take(await this.#parts.calls.run(name, args, { signal: this.#life.signal }))
        } finally {
            this.#asked--
        }
    }

    #take({ session_id: sessionId, auction_id, state }: LiveEvent): void {
        if (state === 'ended') {
            this.#ended.add(sessionId)
            return this.#change({ streams: this.#snapshot.streams.filter((stream) => stream.sessionId !== sessionId) })
        }
        this.#soon(() => {
            this.#ask('get_live_stream', { auction_id }, (stream) => this.#add(named<LiveStream>(stream))).catch(
                // Not for this user, or over already; the next refresh knows better than a guess.
                () => {}
            )
        })
    }

    #soon(run: () => void): void {
        const { clock, random } = this.#parts
        const cancel = clock.after(random.next() * SPREAD_MS, () => {
            this.#waits.delete(cancel)
            run()
        })
        this.#waits.add(cancel)
    }

    #add(stream: LiveStream): void {
        if (this.#ended.has(stream.sessionId)) return
        const others = this.#snapshot.streams.filter(({ sessionId }) => sessionId !== stream.sessionId)
        this.#change({ streams: [stream, ...others] })
    }

    #fail(error: StreamError): void {
        this.#change({ error, ...(this.#snapshot.status === 'loading' ? { status: 'error' } : {}) })
        if (!isTerminal(error)) this.#later(error.retryAfterMs)
    }

    #later(retryAfterMs: number | null = null): void {
        if (this.#life.signal.aborted || this.#retry !== null) return
        const { clock, random } = this.#parts
        const mostMs = Math.min(BACKOFF.most, BACKOFF.least * 2 ** ++this.#failed)
        const delayMs = retryAfterMs ?? BACKOFF.least + random.next() * (mostMs - BACKOFF.least)
        this.#retry = clock.after(delayMs, () => {
            this.#retry = null
            void this.refresh()
        })
    }

    #change(change: Partial<LiveStreamsSnapshot>): void {
        if (this.#life.signal.aborted) return
        this.#snapshot = { ...this.#snapshot, ...change }
        this.emit('change', this.#snapshot)
    }
}
