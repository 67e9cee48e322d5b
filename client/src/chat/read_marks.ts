/** What the user has read: marked at once here, and sent to the server a second later in one call. */

import type { Calls } from '../call/calls.ts'
import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'
import { Wait } from '../clock/wait.ts'
import { isTerminal, toStreamError } from '../error/stream_error.ts'
import { countMissing, type Range, withRange } from './ranges.ts'

/** Marks of this time go together. */
const DELAY_MS = 1_000
const RETRY_MS = 2_500
const MAX_RETRY_MS = 60_000
/** The most ids of one call. */
const MAX_IDS = 1_000

/** Named in each call: another user who is signed in by then has not read it. */
interface Reader {
    session_id: string
    user_id: string
}

export class ReadMarks {
    readonly #next: Timer
    readonly #calls: Pick<Calls, 'run'>
    readonly #reader: Reader
    readonly #report: (error: unknown) => void
    /** What the server has stored, and what is marked here. */
    #read: readonly Range[] = []
    #ids = new Map<string, number | null>()
    #upTo = 0
    /** Told of the error, or of none once everything is stored. */
    #waiters: ((error?: unknown) => void)[] = []
    #work: Promise<void> | null = null
    #retryMs = RETRY_MS
    /** What the server wants to be waited for. */
    readonly #refused: Wait
    #hasEnded = false

    constructor(clock: Clock, calls: Pick<Calls, 'run'>, reader: Reader, report: (error: unknown) => void) {
        this.#next = new Timer(clock)
        this.#calls = calls
        this.#reader = reader
        this.#report = report
        this.#refused = new Wait(clock)
    }

    /** Takes the ranges of a sync; what is marked here and not stored yet is added to them. */
    takeSync(read: readonly Range[]): void {
        this.#read = withRange(read, 1, this.#upTo)
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
        this.#next.stop()
        this.#work ??= this.#send().finally(() => {
            this.#work = null
            if (this.#isWaiting) this.#start(this.#retryMs)
        })
        return this.#work
    }

    dispose(reason: unknown): void {
        this.#hasEnded = true
        this.#next.stop()
        this.#settle(reason)
    }

    get #isWaiting(): boolean {
        return this.#upTo > 0 || this.#ids.size > 0
    }

    #later(): Promise<void> {
        const stored = new Promise<void>((resolve, reject) => {
            this.#waiters.push((error) => (error === undefined ? resolve() : reject(error)))
        })
        // An app that only shows what is read need not wait for the answer.
        stored.catch(() => undefined)
        this.#start(DELAY_MS)
        return stored
    }

    #start(delayMs: number): void {
        if (this.#hasEnded || this.#next.isSet || this.#work !== null) return
        this.#next.set(delayMs, () => void this.#run())
    }

    async #send(): Promise<void> {
        try {
            while (this.#upTo > 0) {
                const seq = this.#upTo
                await this.#calls.run('mark_read_up_to', { ...this.#reader, seq })
                if (this.#upTo === seq) this.#upTo = 0
            }
            while (this.#ids.size > 0) {
                const ids = [...this.#ids.keys()].slice(0, MAX_IDS)
                await this.#calls.run('mark_messages_as_read', { ...this.#reader, message_ids: ids })
                for (const id of ids) this.#ids.delete(id)
            }
            this.#retryMs = RETRY_MS
            if (!this.#isWaiting) this.#settle()
        } catch (thrown) {
            if (this.#hasEnded) return
            const error = toStreamError(thrown)
            if (!isTerminal(error)) {
                const leastMs = error.retryAfterMs ?? 0
                this.#refused.begin(leastMs)
                this.#retryMs = Math.max(Math.min(this.#retryMs * 2, MAX_RETRY_MS), leastMs)
                return
            }
            this.#upTo = 0
            this.#ids.clear()
            this.#settle(error)
            this.#report(error)
        }
    }

    #settle(error?: unknown): void {
        for (const waiter of this.#waiters.splice(0)) waiter(error)
    }
}
