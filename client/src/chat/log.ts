/** The part of a stream's log that a client holds: every entry once, in order, whatever order frames arrive in. */

import type { LogEntry, SyncResult } from '../contract/wire.ts'
import { type Deletion, redacted } from './deletions.ts'
import type { Frame } from './frame.ts'
import { type ChatMessage, toMessage } from './message.ts'

/** Entries that are shown while the chat is followed. */
export const WINDOW = 500
/** By how much the window grows before it is cut, so that not every message copies and cuts it. */
export const WINDOW_SLACK = 30
/** Entries to which reading backwards may make the window grow. */
export const HISTORY_WINDOW = 2_000
/** Early entries that are kept; a sync brings those that are not. */
const MAX_HELD = 1_000
/** Earlier epochs whose late frames are recognised. */
const MAX_RETIRED = 8

/** Why entries that were shown before count no more. */
export interface Discontinuity {
    /** Another database took over, the log is shorter than before, or too much was missed to fetch it all. */
    reason: 'epoch' | 'log_shortened' | 'too_far_behind'
    /** The last entry before it. */
    lastSeq: number
    /** The first entry after it; null when there is none yet. */
    resumesAtSeq: number | null
}

/** What a frame was: in order, already known, before the first sync, not next, or of another epoch. */
export type FrameOutcome = 'applied' | 'old' | 'waiting' | 'gap' | 'epoch'

export class ChatLog {
    /** The name of the database's run whose numbers these are; undefined before the first sync. */
    epoch: string | undefined
    /** The last number of the unbroken run that is held; undefined before the first sync. */
    cursor: number | undefined
    /** The newest number that anything has named. */
    headSeq = 0
    /** What is below went with retention. */
    oldestSeq = 1

    #list: ChatMessage[] = []
    /** What `entries` returned last, until the list changes. */
    #view: readonly ChatMessage[] | null = null
    #held = new Map<number, LogEntry>()
    #heldEpoch: string | undefined
    #retired: (string | undefined)[] = []
    #capacity = WINDOW
    /** The place was given up; it was `lastSeq`. */
    #isGivenUp = false
    #lastSeq: number | undefined

    readonly #sessionId: string
    readonly #onEntry: (entry: LogEntry, message: ChatMessage) => void

    /** `onEntry` gets each entry once, in order, when it has become part of the log. */
    constructor(sessionId: string, onEntry: (entry: LogEntry, message: ChatMessage) => void) {
        this.#sessionId = sessionId
        this.#onEntry = onEntry
    }

    get entries(): readonly ChatMessage[] {
        this.#view ??= [...this.#list]
        return this.#view
    }

    /** Whether something is known to be there that is not held. */
    get isBehind(): boolean {
        return this.cursor !== undefined && (this.cursor < this.headSeq || this.#held.size > 0)
    }

    get hasOlder(): boolean {
        const first = this.#list[0]?.seq
        return typeof first === 'number' && first > this.oldestSeq
    }

    takeFrame(frame: Frame): FrameOutcome {
        if (this.cursor === undefined) {
            this.#hold(frame.epoch, frame.messages)
            return 'waiting'
        }
        if (frame.epoch !== this.epoch) {
            if (this.#retired.includes(frame.epoch)) return 'old'
            this.#hold(frame.epoch, frame.messages)
            return 'epoch'
        }
        if (frame.to_seq <= this.cursor) {
            for (const entry of frame.messages) this.#amend(entry)
            return 'old'
        }
        this.noteHead(Math.max(frame.head_seq, frame.to_seq))
        this.#takeRun(frame.messages)
        return this.cursor < frame.to_seq ? 'gap' : 'applied'
    }

    /** Takes an entry that came as the answer to its own sending; whether it was next. */
    takeAnswer(entry: LogEntry): boolean {
        if (this.cursor === undefined || entry.seq <= this.cursor) return this.cursor !== undefined
        this.noteHead(entry.seq)
        this.#takeRun([entry])
        return this.cursor >= entry.seq
    }

    noteHead(seq: number): void {
        this.headSeq = Math.max(this.headSeq, seq)
    }

    /** Forgets its place, so that the next sync brings the newest page: too much was missed. */
    giveUp(): void {
        this.#isGivenUp = true
        this.#lastSeq = this.cursor
        this.cursor = undefined
    }

    /** Takes one page of a sync; what stopped counting by it, if anything did. */
    takeSync(result: SyncResult): Discontinuity | null {
        this.oldestSeq = result.oldest_seq
        const lastOfPage = result.messages.at(-1)?.seq ?? result.oldest_seq - 1
        const end = result.has_more ? lastOfPage : result.head_seq
        const continues = this.cursor !== undefined && result.recovered && result.epoch === this.epoch
        this.#lastSeq = this.cursor ?? this.#lastSeq
        const broken = continues ? null : this.#startAnew(result)
        for (const entry of result.messages) {
            if (entry.seq <= (this.cursor ?? 0)) this.#amend(entry)
            else this.#append(entry)
        }
        this.cursor = Math.max(this.cursor ?? 0, end)
        this.noteHead(result.head_seq)
        if (this.#heldEpoch === this.epoch) this.#drain()
        this.#trim()
        return broken
    }

    /** Whether a page was read before entries that are held. */
    isPast({ epoch, recovered, head_seq }: SyncResult): boolean {
        return recovered && epoch === this.epoch && head_seq < (this.cursor ?? 0)
    }

    /** Whether a page says that it continues what is held and leaves out entries that retention has not taken. */
    isTornBy(result: SyncResult): boolean {
        if (this.cursor === undefined || !result.recovered || result.epoch !== this.epoch) return false
        const first = result.messages[0]?.seq ?? (result.has_more ? 0 : result.head_seq + 1)
        return first > Math.max(this.cursor + 1, result.oldest_seq)
    }

    /** Puts a page of history before what is shown; returns whether all of it found room. */
    prepend(page: readonly ChatMessage[]): boolean {
        const first = this.#list[0]?.seq ?? Number.POSITIVE_INFINITY
        const older = page.filter(({ seq }) => seq !== null && seq < first)
        const room = HISTORY_WINDOW - this.#list.length
        const taken = older.slice(Math.max(0, older.length - Math.max(0, room)))
        this.#capacity = Math.min(HISTORY_WINDOW, Math.max(this.#capacity, this.#list.length + taken.length))
        this.#show([...taken, ...this.#list])
        return taken.length === older.length
    }

    /** Ends the reading of history: only the newest entries stay. */
    showNewest(): void {
        this.#capacity = WINDOW
        if (this.#list.length > WINDOW) this.#show(this.#list.slice(-WINDOW))
    }

    /** Takes the text of the entries that a deletion means. */
    redact(deletion: Deletion): void {
        const list = this.#list.map((message) => redacted(message, deletion))
        if (list.some((message, index) => message !== this.#list[index])) this.#show(list)
    }

    find(seq: number): ChatMessage | undefined {
        return this.#list.find((message) => message.seq === seq)
    }

    #startAnew(result: SyncResult): Discontinuity | null {
        const { epoch, head_seq: headSeq } = result
        const resumesAtSeq = result.messages[0]?.seq ?? null
        const reason = this.#isGivenUp ? 'too_far_behind' : epoch === this.epoch ? 'log_shortened' : 'epoch'
        const broken = this.#lastSeq === undefined ? null : ({ reason, lastSeq: this.#lastSeq, resumesAtSeq } as const)
        this.#isGivenUp = false
        // A shortened log uses its numbers anew, so that early entries of before are no longer right.
        if (this.#heldEpoch !== epoch || broken?.reason === 'log_shortened') this.#held.clear()
        this.#retired = [this.epoch, ...this.#retired].filter((one) => one !== epoch).slice(0, MAX_RETIRED)
        this.epoch = epoch
        this.#show([])
        this.#capacity = WINDOW
        this.headSeq = headSeq
        this.cursor = (resumesAtSeq ?? headSeq + 1) - 1
        return broken
    }

    /** Takes entries that follow each other, holds those that do not yet. */
    #takeRun(entries: readonly LogEntry[]): void {
        for (const entry of entries) {
            if (entry.seq === (this.cursor ?? 0) + 1) this.#append(entry)
            else if (entry.seq > (this.cursor ?? 0)) this.#hold(this.epoch, [entry])
        }
        this.#drain()
        this.#trim()
    }

    #hold(epoch: string | undefined, entries: readonly LogEntry[]): void {
        if (epoch !== this.#heldEpoch) this.#held.clear()
        this.#heldEpoch = epoch
        for (const entry of entries) {
            if (this.#held.size < MAX_HELD) this.#held.set(entry.seq, entry)
        }
    }

    #drain(): void {
        for (let next = this.#held.get((this.cursor ?? 0) + 1); next; next = this.#held.get((this.cursor ?? 0) + 1)) {
            this.#append(next)
        }
        for (const seq of [...this.#held.keys()]) if (seq <= (this.cursor ?? 0)) this.#held.delete(seq)
        for (const seq of this.#held.keys()) this.noteHead(seq)
    }

    #append(entry: LogEntry): void {
        const message = toMessage(this.#sessionId, entry)
        this.#list.push(message)
        this.#view = null
        this.cursor = entry.seq
        this.#onEntry(entry, message)
    }

    /** An entry that is held already: only the taking away of its text can be news. */
    #amend(entry: LogEntry): void {
        if (entry.deleted_at === null) return
        const deletedAt = new Date(entry.deleted_at)
        this.redact({ isMeant: ({ seq }) => seq === entry.seq, deletedAt, forgetsAuthor: entry.username === null })
    }

    #trim(): void {
        if (this.#list.length > this.#capacity + WINDOW_SLACK) this.#show(this.#list.slice(-this.#capacity))
    }

    #show(list: ChatMessage[]): void {
        this.#list = list
        this.#view = null
    }
}
