/** What the user has read: marked at once here, and sent to the server a second later in one call. */

import type { Cancel, Clock } from '../clock/clock.ts'
import { Wait } from '../clock/wait.ts'
import { toStreamError } from '../error/stream_error.ts'
import { countMissing, type Range, withRange } from './ranges.ts'

/** Marks of this time go together. */
const DELAY_MS = 1_000
const RETRY_MS = 2_500
const MAX_RETRY_MS = 60_000
/** The most ids of one call. */
const MAX_IDS = 1_000

export interface MarkingCalls {
    upTo: (seq: number) => Promise<unknown>
    ids: (ids: string[]) => Promise<unknown>
    /** Whether the same call can succeed later. */
    isRecoverable: (error: unknown) => boolean
    report: (error: unknown) => void
}

interface Waiter {
    resolve: () => void
    reject: (error: unknown) => void
}

export class ReadMarks {
    readonly #clock: Clock
    readonly #calls: MarkingCalls
    /** What the server has stored, and what is marked here. */
    #read: readonly Range[] = []
    #ids = new Map<string, number | null>()
    #upTo = 0
    #waiters: Waiter[] = []
    #cancel: Cancel | null = null
    #work: Promise<void> | null = null
    #retryMs = RETRY_MS
    /** What the server wants to be waited for. */
    readonly #refused: Wait
    #hasEnded = false

    constructor(clock: Clock, calls: MarkingCalls) {
        this.#clock = clock
        this.#calls = calls
        this.#refused = new Wait(clock)
    }

    /** Takes the ranges of a sync; what is marked here and not stored yet is added to them. */
    takeSync(read: readonly Range[]): void {
        this.#read = read
        if (this.#upTo > 0) this.#read = withRange(this.#read, 1, this.#upTo)
        for (const seq of this.#ids.values()) if (seq !== null) this.#read = withRange(this.#read, seq, seq)
    }

    /** Entries of the log between two numbers that are not marked. */
    unread(oldestSeq: number, headSeq: number): number {
        return countMissing(this.#read, oldestSeq, headSeq)
    }

    /** Marks entries by id; `seq` where it is known counts at once. Resolves when the server has stored it. */
    mark(messages: readonly { id: string; seq: number | null }[]): Promise<void> {
        for (const { id, seq } of messages) {
            this.#ids.set(id, seq)
            if (seq !== null) this.#read = withRange(this.#read, seq, seq)
        }
        return this.#later()
    }

    /** Marks everything up to a number. Resolves when the server has stored it. */
    markUpTo(seq: number): Promise<void> {
        this.#upTo = Math.max(this.#upTo, seq)
        this.#read = withRange(this.#read, 1, seq)
        return this.#later()
    }

    /** Sends now what waits, as before the app goes to the background, unless the server has said when to come again. */
    async flush(): Promise<void> {
        if (this.#refused.leftMs === 0) await this.#run()
    }

    #run(): Promise<void> {
        this.#cancel?.()
        this.#cancel = null
        this.#work ??= this.#send().finally(() => {
            this.#work = null
            if (!this.#hasEnded && this.#isWaiting) this.#start(this.#retryMs)
        })
        return this.#work
    }

    dispose(reason: unknown): void {
        this.#hasEnded = true
        this.#cancel?.()
        this.#settle(({ reject }) => reject(reason))
    }

    get #isWaiting(): boolean {
        return this.#upTo > 0 || this.#ids.size > 0
    }

    #later(): Promise<void> {
        const stored = new Promise<void>((resolve, reject) => {
            this.#waiters.push({ resolve, reject })
        })
        // An app that only shows what is read need not wait for the answer.
        stored.catch(() => undefined)
        this.#start(DELAY_MS)
        return stored
    }

    #start(delayMs: number): void {
        if (this.#hasEnded || this.#cancel !== null || this.#work !== null) return
        this.#cancel = this.#clock.after(delayMs, () => {
            this.#cancel = null
            void this.#run()
        })
    }

    async #send(): Promise<void> {
        try {
            while (this.#upTo > 0) {
                const seq = this.#upTo
                await this.#calls.upTo(seq)
                if (this.#upTo === seq) this.#upTo = 0
            }
            while (this.#ids.size > 0) {
                const ids = [...this.#ids.keys()].slice(0, MAX_IDS)
                await this.#calls.ids(ids)
                for (const id of ids) this.#ids.delete(id)
            }
            this.#retryMs = RETRY_MS
            if (!this.#isWaiting) this.#settle(({ resolve }) => resolve())
        } catch (error) {
            if (this.#hasEnded) return
            if (this.#calls.isRecoverable(error)) {
                const leastMs = toStreamError(error).retryAfterMs ?? 0
                this.#refused.begin(leastMs)
                this.#retryMs = Math.max(Math.min(this.#retryMs * 2, MAX_RETRY_MS), leastMs)
                return
            }
            this.#upTo = 0
            this.#ids.clear()
            this.#settle(({ reject }) => reject(error))
            this.#calls.report(error)
        }
    }

    #settle(how: (waiter: Waiter) => void): void {
        for (const waiter of this.#waiters.splice(0)) how(waiter)
    }
}
