/** Messages on their way to the log: shown at once, sent one after the other, again under the same id until one answer comes. */

import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'
import { backoffMs } from '../connection/retry_policy.ts'
import type { LogEntry } from '../contract/wire.ts'
import { StreamError, serverCode, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import { type ChatMessage, toMessage } from './message.ts'
import type { OutboxStorage, UnsentMessage } from './outbox_storage.ts'

/** Messages that wait at the same time; one more is refused. */
export const MAX_UNSENT = 30
/** A message that waited longer is not sent by itself any more: what it answered has passed. */
export const RESEND_WITHIN_MS: number = 5 * 60_000

export interface OutboxCalls {
    send: (id: string, content: string, signal: AbortSignal) => Promise<LogEntry>
    /** Gives the log the entry that was stored; whether the log holds it now. */
    stored: (entry: LogEntry) => boolean
    /** It was refused, for now or for good; whether the sync that follows will make up for it. */
    refused: (error: StreamError) => boolean
    changed: () => void
}

interface Unsent {
    /** Its timestamp is when it was written, or last retried, by the device's clock. */
    message: ChatMessage
    attempts: number
    /** Whether the storage has it, or could not take it. */
    kept: Promise<void>
    stored: Promise<ChatMessage>
    resolve: (message: ChatMessage) => void
    reject: (error: StreamError) => void
}

export class Outbox {
    readonly #clock: Clock
    readonly #random: Random
    readonly #storage: OutboxStorage
    readonly #calls: OutboxCalls
    readonly #author: { sessionId: string; userId: string }
    readonly #retry: Timer
    #unsent: Unsent[] = []
    /** Answers whose entries the log does not show yet. */
    #answered: ChatMessage[] = []
    #isPaused = false
    #sending: AbortController | null = null
    #hasEnded = false

    constructor(
        parts: { clock: Clock; random: Random; storage: OutboxStorage; calls: OutboxCalls },
        author: { sessionId: string; userId: string }
    ) {
        this.#clock = parts.clock
        this.#random = parts.random
        this.#storage = parts.storage
        this.#calls = parts.calls
        this.#author = author
        this.#retry = new Timer(parts.clock)
    }

    /** What is shown behind the log: first what is stored and not part of it yet, then the rest in the order of writing. */
    get messages(): readonly ChatMessage[] {
        return [...this.#answered, ...this.#unsent.map(({ message }) => message)]
    }

    /** Sends what an earlier run of the app left behind, under the same ids; what had failed is shown as it was. */
    async restore(): Promise<void> {
        const found = (await this.#storage.load()).slice(-MAX_UNSENT)
        if (this.#hasEnded) return
        this.#unsent.unshift(...found.map((one) => waiting(this.#draft(one), Promise.resolve())))
        if (found.length > 0) this.#calls.changed()
        this.#next()
    }

    /** Shows a message and sends it. The promise resolves when it is stored, and rejects when it failed. */
    add(content: string): { message: ChatMessage; stored: Promise<ChatMessage> } {
        if (this.#unsent.length >= MAX_UNSENT) {
            throw new StreamError('outbox_full')
        }
        const message = this.#draft({ id: this.#random.uuid(), content, createdAt: this.#clock.now() })
        const unsent = waiting(message, this.#keep(message))
        this.#unsent.push(unsent)
        this.#calls.changed()
        this.#next()
        return { message, stored: unsent.stored }
    }

    /** Sends a failed message again, under its id. */
    retry(id: string): void {
        const unsent = this.#find(id)
        if (unsent?.message.status !== 'failed') return
        unsent.attempts = 0
        this.#mark(unsent, { status: 'pending', error: null, timestamp: new Date(this.#clock.now()) })
        this.#next()
    }

    /** Forgets a message that failed or was never sent; one that is on its way may be stored already. */
    discard(id: string): boolean {
        const unsent = this.#find(id)
        if (unsent === undefined || (unsent.message.status !== 'failed' && unsent.attempts > 0)) return false
        this.#forget(unsent)
        unsent.reject(new StreamError('aborted'))
        this.#calls.changed()
        return true
    }

    /** Takes a message that has become part of the log, by whichever way it came. */
    confirm(message: ChatMessage): void {
        this.#settle(this.#find(message.id), message)
        this.#answered = this.#answered.filter(({ id }) => id !== message.id)
    }

    /** Another log took over: what was stored in the one before and never seen is sent again, under its id. */
    doubt(): void {
        const timestamp = new Date(this.#clock.now())
        const doubted = this.#answered.map((answered): Unsent => {
            const message: ChatMessage = { ...answered, seq: null, status: 'pending', timestamp }
            return waiting(message, this.#keep(message))
        })
        this.#answered = []
        this.#unsent = [...doubted, ...this.#unsent]
        this.#next()
    }

    /** Forgets answers whose entries the log has passed. */
    passed(cursor: number): void {
        this.#answered = this.#answered.filter(({ seq }) => seq !== null && seq > cursor)
    }

    /** Sends nothing until `resume`: there is no connection. */
    pause(): void {
        this.#isPaused = true
        this.#retry.stop()
    }

    resume(): void {
        this.#isPaused = false
        this.#retry.stop()
        this.#next()
    }

    /** Stops; what is not stored yet stays in the storage for the next run. */
    dispose(reason: StreamError): void {
        this.#hasEnded = true
        this.#retry.stop()
        this.#sending?.abort(reason)
        for (const { reject } of this.#unsent) reject(reason)
    }

    #find(id: string): Unsent | undefined {
        return this.#unsent.find(({ message }) => message.id === id)
    }

    #next(): void {
        if (this.#isPaused || this.#hasEnded || this.#sending !== null || this.#retry.isSet) return
        const unsent = this.#unsent.find(({ message }) => message.status === 'pending')
        if (unsent === undefined) return
        this.#sending = new AbortController()
        void this.#send(unsent, this.#sending.signal).finally(() => {
            this.#sending = null
            this.#next()
        })
    }

    async #send(unsent: Unsent, signal: AbortSignal): Promise<void> {
        const { id, content, timestamp } = unsent.message
        // A restart after the sending must find the id, or it would send the message under another one.
        await unsent.kept
        if (this.#hasEnded || !this.#unsent.includes(unsent)) return
        if (this.#clock.now() - timestamp.getTime() > RESEND_WITHIN_MS) {
            return this.#fail(unsent, new StreamError('send_expired'))
        }
        unsent.attempts += 1
        try {
            const entry = await this.#calls.send(id, content, signal)
            if (this.#hasEnded) return
            const message = toMessage(this.#author.sessionId, entry)
            this.#settle(unsent, message)
            if (!this.#calls.stored(entry)) this.#answered = [...this.#answered, message]
            this.#calls.changed()
        } catch (cause) {
            if (!this.#hasEnded) this.#refused(unsent, toStreamError(cause))
        }
    }

    #refused(unsent: Unsent, error: StreamError): void {
        if (!this.#unsent.includes(unsent)) return
        const isAwaited = this.#calls.refused(error)
        // What was stored before is no refusal, so it may be discarded.
        if (isAwaited) unsent.attempts = 0
        // Or another user is signed in. It is not theirs to send: it waits for its author, here and in the storage.
        if (isAwaited || error.code === 'not_self') return this.pause()
        // The call itself has been repeated as the catalogue says. Beyond that only the network is waited for.
        if (error.category !== 'network_error') return this.#fail(unsent, error)
        const delayMs = error.retryAfterMs ?? backoffMs(unsent.attempts, this.#random.next())
        this.#retry.set(delayMs, () => this.#next())
    }

    #fail(unsent: Unsent, error: StreamError): void {
        // Kept with it: the next run must not send by itself what was refused.
        this.#mark(unsent, { status: 'failed', error })
        unsent.reject(error)
    }

    #settle(unsent: Unsent | undefined, message: ChatMessage): void {
        if (unsent === undefined || !this.#unsent.includes(unsent)) return
        this.#forget(unsent)
        unsent.resolve(message)
        // Its answer was lost and it waited to be sent again: the next one need not wait for that.
        this.#retry.stop()
        this.#next()
    }

    #forget(unsent: Unsent): void {
        this.#unsent = this.#unsent.filter((one) => one !== unsent)
        void this.#storage.remove(unsent.message.id)
    }

    #mark(unsent: Unsent, change: Partial<ChatMessage>): void {
        unsent.message = { ...unsent.message, ...change }
        unsent.kept = this.#keep(unsent.message)
        this.#calls.changed()
    }

    #keep({ id, content, timestamp, error }: ChatMessage): Promise<void> {
        return this.#storage.put({ id, content, createdAt: timestamp.getTime(), failed: error?.code })
    }

    #draft({ id, content, createdAt, failed }: UnsentMessage): ChatMessage {
        const code = serverCode(failed) ?? 'send_expired'
        return {
            ...this.#author,
            id,
            seq: null,
            username: null,
            content,
            timestamp: new Date(createdAt),
            messageType: 'user_message',
            metadata: {},
            deletedAt: null,
            status: failed ? 'failed' : 'pending',
            error: failed ? new StreamError(code) : null,
        }
    }
}

function waiting(message: ChatMessage, kept: Promise<void>): Unsent {
    let resolve!: Unsent['resolve']
    let reject!: Unsent['reject']
    const stored = new Promise<ChatMessage>((onStored, onFailed) => {
        resolve = onStored
        reject = onFailed
    })
    // Whoever shows the status need not await the promise.
    stored.catch(() => {})
    return { message, attempts: 0, kept, stored, resolve, reject }
}
