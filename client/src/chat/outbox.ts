/** Messages on their way to the log: shown at once, sent one after the other, again under the same id until one answer comes. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { LogEntry } from '../contract/wire.ts'
import { isServerCode, StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import { type ChatMessage, MessageType } from './message.ts'
import type { OutboxStorage, UnsentMessage } from './outbox_storage.ts'

/** Messages that wait at the same time; one more is refused. */
export const MAX_UNSENT = 30
/** A message that waited longer is not sent by itself any more: what it answered has passed. */
export const RESEND_WITHIN_MS: number = 5 * 60_000
/** Where the error names no delay of its own: full jitter up to twice as much after each attempt. */
const RETRY_BASE_MS = 500
const RETRY_CAP_MS = 20_000

export interface OutboxCalls {
    send: (id: string, content: string, signal: AbortSignal) => Promise<LogEntry>
    /** Gives the log the entry that was stored; whether the log holds it now. */
    stored: (entry: LogEntry) => boolean
    /** It was refused, for now or for good. */
    refused: (error: StreamError) => void
    changed: () => void
}

interface Unsent {
    message: ChatMessage
    createdAt: number
    attempts: number
    /** Whether the storage has it, or could not take it. */
    kept: Promise<void>
    waiters: { resolve: (message: ChatMessage) => void; reject: (error: StreamError) => void }[]
}

export class Outbox {
    readonly #clock: Clock
    readonly #random: Random
    readonly #storage: OutboxStorage
    readonly #calls: OutboxCalls
    readonly #author: { sessionId: string; userId: string }
    #unsent: Unsent[] = []
    /** Answers whose entries the log does not show yet. */
    #answered: ChatMessage[] = []
    #isPaused = false
    #sending: AbortController | null = null
    #retry: Cancel | null = null
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
    }

    /** What is shown behind the log: first what is stored and not part of it yet, then the rest in the order of writing. */
    get messages(): readonly ChatMessage[] {
        return [...this.#answered, ...this.#unsent.map(({ message }) => message)]
    }

    /** Sends what an earlier run of the app left behind, under the same ids; what had failed is shown as it was. */
    async restore(): Promise<void> {
        const found = (await this.#storage.load()).slice(-MAX_UNSENT)
        if (this.#hasEnded) return
        this.#unsent.unshift(...found.map((one) => waiting(this.#draft(one), one.createdAt, Promise.resolve())))
        if (found.length > 0) this.#calls.changed()
        this.#next()
    }

    /** Shows a message and sends it. The promise resolves when it is stored, and rejects when it failed. */
    add(content: string): { message: ChatMessage; stored: Promise<ChatMessage> } {
        if (this.#unsent.length >= MAX_UNSENT) {
            throw new StreamError('outbox_full')
        }
        const kept = { id: this.#random.uuid(), content, createdAt: this.#clock.now() }
        const message = this.#draft(kept)
        const unsent = waiting(message, kept.createdAt, this.#storage.put(kept))
        this.#unsent.push(unsent)
        const stored = this.#settled(unsent)
        this.#calls.changed()
        this.#next()
        return { message, stored }
    }

    /** Sends a failed message again, under its id. */
    retry(id: string): void {
        const unsent = this.#unsent.find(({ message }) => message.id === id && message.status === 'failed')
        if (unsent === undefined) return
        unsent.attempts = 0
        unsent.createdAt = this.#clock.now()
        unsent.kept = this.#storage.put({ id, content: unsent.message.content, createdAt: unsent.createdAt })
        this.#mark(unsent, { status: 'pending', error: null })
        this.#next()
    }

    /** Forgets a message that failed or was never sent; one that is on its way may be stored already. */
    discard(id: string): boolean {
        const isMeant = ({ message, attempts }: Unsent) =>
            message.id === id && (message.status === 'failed' || attempts === 0)
        const unsent = this.#unsent.find(isMeant)
        if (unsent === undefined) return false
        this.#unsent = this.#unsent.filter((one) => one !== unsent)
        const reason = new StreamError('aborted')
        for (const { reject } of unsent.waiters.splice(0)) reject(reason)
        void this.#storage.remove(id)
        this.#calls.changed()
        return true
    }

    /** Takes a message that has become part of the log, by whichever way it came. */
    confirm(message: ChatMessage): void {
        const unsent = this.#unsent.find((one) => one.message.id === message.id)
        if (unsent !== undefined) this.#settle(unsent, message)
        this.#answered = this.#answered.filter(({ id }) => id !== message.id)
    }

    /** Another log took over: what was stored in the one before and never seen is sent again, under its id. */
    doubt(): void {
        const createdAt = this.#clock.now()
        const doubted = this.#answered.map((message): Unsent => {
            const kept = this.#storage.put({ id: message.id, content: message.content, createdAt })
            return waiting({ ...message, seq: null, status: 'pending' }, createdAt, kept)
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
        this.#retry?.()
        this.#retry = null
    }

    resume(): void {
        this.#isPaused = false
        this.#retry?.()
        this.#retry = null
        this.#next()
    }

    /** Stops; what is not stored yet stays in the storage for the next run. */
    dispose(reason: StreamError): void {
        this.#hasEnded = true
        this.#retry?.()
        this.#sending?.abort(reason)
        for (const { waiters } of this.#unsent) for (const { reject } of waiters.splice(0)) reject(reason)
    }

    #next(): void {
        if (this.#isPaused || this.#hasEnded || this.#sending !== null || this.#retry !== null) return
        const unsent = this.#unsent.find(({ message }) => message.status === 'pending')
        if (unsent === undefined) return
        const controller = new AbortController()
        this.#sending = controller
        void this.#send(unsent, controller).finally(() => {
            this.#sending = null
            this.#next()
        })
    }

    async #send(unsent: Unsent, controller: AbortController): Promise<void> {
        const { id, content } = unsent.message
        // A restart after the sending must find the id, or it would send the message under another one.
        await unsent.kept
        if (this.#hasEnded || !this.#unsent.includes(unsent)) return
        if (this.#clock.now() - unsent.createdAt > RESEND_WITHIN_MS) {
            return this.#fail(unsent, new StreamError('send_expired'))
        }
        unsent.attempts += 1
        try {
            const entry = await this.#calls.send(id, content, controller.signal)
            if (this.#hasEnded) return
            const message = { ...unsent.message, ...sentFrom(entry) }
            if (this.#unsent.includes(unsent)) this.#settle(unsent, message)
            if (!this.#calls.stored(entry)) this.#answered = [...this.#answered, message]
            this.#calls.changed()
        } catch (cause) {
            if (this.#hasEnded) return
            this.#refused(unsent, toStreamError(cause))
        }
    }

    #refused(unsent: Unsent, error: StreamError): void {
        if (!this.#unsent.includes(unsent)) return
        this.#calls.refused(error)
        // Another user is signed in. It is not theirs to send: it waits for its author, here and in the storage.
        if (error.code === 'not_self') return this.pause()
        // The call itself has been repeated as the catalogue says. Beyond that only the network is waited for.
        if (error.category !== 'network_error' || !error.recoverable) return this.#fail(unsent, error)
        const most = Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** unsent.attempts)
        const delayMs = error.retryAfterMs ?? RETRY_BASE_MS + this.#random.next() * most
        this.#retry = this.#clock.after(delayMs, () => {
            this.#retry = null
            this.#next()
        })
    }

    #fail(unsent: Unsent, error: StreamError): void {
        const { id, content } = unsent.message
        // The next run must not send by itself what was refused.
        unsent.kept = this.#storage.put({ id, content, createdAt: unsent.createdAt, failed: error.code })
        this.#mark(unsent, { status: 'failed', error })
        for (const { reject } of unsent.waiters.splice(0)) reject(error)
    }

    #settle(unsent: Unsent, message: ChatMessage): void {
        this.#unsent = this.#unsent.filter((one) => one !== unsent)
        void this.#storage.remove(message.id)
        for (const { resolve } of unsent.waiters.splice(0)) resolve(message)
        // Its answer was lost and it waited to be sent again: the next one need not wait for that.
        this.#retry?.()
        this.#retry = null
        this.#next()
    }

    #settled(unsent: Unsent): Promise<ChatMessage> {
        const settled = new Promise<ChatMessage>((resolve, reject) => unsent.waiters.push({ resolve, reject }))
        // Whoever shows the status need not await the promise.
        settled.catch(() => undefined)
        return settled
    }

    #mark(unsent: Unsent, change: Pick<ChatMessage, 'status' | 'error'>): void {
        unsent.message = { ...unsent.message, ...change }
        this.#calls.changed()
    }

    #draft({ id, content, createdAt, failed }: UnsentMessage): ChatMessage {
        const code = failed && isServerCode(failed) ? failed : 'send_expired'
        return {
            ...this.#author,
            id,
            seq: null,
            username: null,
            content,
            timestamp: new Date(createdAt),
            messageType: MessageType.USER_MESSAGE,
            metadata: {},
            deletedAt: null,
            status: failed ? 'failed' : 'pending',
            error: failed ? new StreamError(code, 'not sent by an earlier run') : null,
        }
    }
}

function waiting(message: ChatMessage, createdAt: number, kept: Promise<void>): Unsent {
    return { message, createdAt, attempts: 0, kept, waiters: [] }
}

function sentFrom(
    entry: LogEntry
): Pick<ChatMessage, 'seq' | 'username' | 'content' | 'timestamp' | 'status' | 'error'> {
    const { seq, username, content } = entry
    return { seq, username, content, timestamp: new Date(entry.created_at), status: 'sent', error: null }
}
