/** The chat of one stream: the log, messages being sent, read marks, and the user's standing. */

import type { Calls } from '../call/calls.ts'
import type { Clock } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import type { LogEntry, RestrictionEvent, SyncResult } from '../contract/wire.ts'
import { EventEmitter } from '../emitter/emitter.ts'
import { StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import type { StorageAdapter } from '../storage/storage_adapter.ts'
import type { SyncConsumer, SyncCursor } from '../sync/sync_consumer.ts'
import { type ChatEvents, type ChatSnapshot, statusOf } from './chat_snapshot.ts'
import { Deletions, deletionOf } from './deletions.ts'
import { isFrame } from './frame.ts'
import { HistoryReader } from './history_reader.ts'
import type { Discontinuity } from './log.ts'
import { type ChatMessage, toMessage } from './message.ts'
import { Outbox } from './outbox.ts'
import { OutboxStorage } from './outbox_storage.ts'
import { Pin } from './pin.ts'
import { ReadMarks } from './read_marks.ts'
import { StandingKeeper } from './standing.ts'
import { ChatSynchroniser } from './synchroniser.ts'

export interface ChatParts {
    sessionId: string
    userId: string
    calls: Pick<Calls, 'run'>
    clock: Clock
    random: Random
    serverClock: ServerClock
    /** Where unsent messages outlive the app's process. */
    storage: StorageAdapter | null
    /** Has a sync made now; `apply` gets its answer. */
    requestSync: () => void
    /** Whether the connection polls, since the server asks for it. */
    isPolled: () => boolean
    /** Tells the connection that there is no place in the stream; whether one is taken, with a sync after it. */
    onPlaceLost: (error: StreamError) => boolean
}

export class StreamChat extends EventEmitter<ChatEvents> implements SyncConsumer {
    readonly sessionId: string
    readonly userId: string
    readonly #sync: ChatSynchroniser
    readonly #standing: StandingKeeper
    readonly #deletions = new Deletions()
    readonly #reads: ReadMarks
    readonly #outbox: Outbox
    readonly #history: HistoryReader
    readonly #pin: Pin
    #snapshot: ChatSnapshot | null = null
    #isSuspended = true
    #discontinuity: Discontinuity | null = null
    #error: StreamError | null = null
    #hasEnded = false

    constructor(parts: ChatParts) {
        super()
        const { sessionId, userId, calls, clock, random, serverClock } = parts
        this.sessionId = sessionId
        this.userId = userId
        const report = (error: unknown) => this.#report(toStreamError(error))
        const onChange = () => this.#changed()
        this.#standing = new StandingKeeper(userId, clock, serverClock, onChange)
        this.#sync = new ChatSynchroniser({
            ...parts,
            onEntry: (entry, message) => this.#onEntry(entry, message),
            onDiscontinuity: (discontinuity) => this.#onDiscontinuity(discontinuity),
            onChange,
        })
        this.#history = new HistoryReader(this.#sync.log, this.#deletions, (args) =>
            calls.run('get_message_history', { session_id: sessionId, ...args })
        )
        this.#pin = new Pin(this.#sync.log, (seq) => this.#history.read(seq + 1, 1), onChange)
        this.#reads = new ReadMarks(clock, calls, { session_id: sessionId, user_id: userId }, report)
        const storage = new OutboxStorage(parts.storage, clock, { userId, sessionId }, report)
        const outboxCalls = {
            send: (id: string, content: string, signal: AbortSignal) =>
                calls.run('send_message', { session_id: sessionId, user_id: userId, content, id }, { signal }),
            stored: (entry: LogEntry) => this.#onStored(entry),
            refused: (error: StreamError) => {
                // Of slow mode, or of the rate.
                if (error.status === 429 && error.retryAfterMs !== null)
                    this.#standing.coolDown(serverClock.now() + error.retryAfterMs)
                return error.code === 'not_viewer' && parts.onPlaceLost(error)
            },
            changed: onChange,
        }
        this.#outbox = new Outbox({ clock, random, storage, calls: outboxCalls }, { sessionId, userId })
    }

    /** The same object until something changes. */
    get snapshot(): ChatSnapshot {
        this.#snapshot ??= this.#makeSnapshot()
        return this.#snapshot
    }

    cursor(): SyncCursor {
        return this.#sync.cursor()
    }

    /** Takes a page of a sync, or the newest page that came with `join_stream`. */
    apply(page: SyncResult): void {
        // Frames may have overtaken it: then it says nothing of how the chat is set by now.
        if (!this.#sync.log.isPast(page)) {
            this.#standing.takeSync(page)
            this.#reads.takeSync(page.read)
            this.#pin.take(page.pinned === null ? null : toMessage(this.sessionId, page.pinned))
        }
        this.#error = null
        this.#isSuspended = false
        this.#sync.apply(page)
        this.#outbox.passed(this.#sync.log.cursor ?? 0)
        this.#outbox.resume()
        this.#changed()
        if (!page.has_more) this.emit('synced', { recovered: this.#sync.recovered === true })
    }

    /** Takes what a heartbeat says of the log. */
    observeHead(headSeq: number, epoch: string): void {
        this.#sync.observeHead(headSeq, epoch)
    }

    /** Takes the payload of event `messages`. */
    takeFrame(payload: unknown): void {
        if (!isFrame(payload)) this.#sync.takeResync()
        else if (payload.session_id === this.sessionId) this.#sync.takeFrame(payload)
    }

    /** Takes the events `restricted` and `revoked` of the user's own topic. */
    takeRestriction(event: RestrictionEvent): void {
        if (event.session_id === this.sessionId && this.#standing.takeRestriction(event)) this.#changed()
    }

    /** Sends what an earlier run of the app left unsent, under the same ids. */
    restore(): Promise<void> {
        return this.#outbox.restore()
    }

    /** Frames do not come: no sync is asked for until the one of the next connection has answered. */
    suspend(): void {
        this.#isSuspended = true
        this.#sync.suspend()
        this.#changed()
    }

    /** There is no network: messages wait until there is one again, or an answer shows it. */
    pause(): void {
        this.#outbox.pause()
        void this.#reads.flush()
    }

    /** There may be a network again. */
    resume(): void {
        this.#outbox.resume()
    }

    /** The chat cannot be followed any more. */
    fail(error: StreamError): void {
        this.#error = error
        // What waits for a place learns that none will be taken.
        this.#outbox.resume()
        this.#changed()
    }

    /** Shows a message at once and sends it; `stored` resolves when it is stored, and rejects when it failed. */
    send(content: string): { message: ChatMessage; stored: Promise<ChatMessage> } {
        if (this.#hasEnded) throw new StreamError('disposed')
        return this.#outbox.add(content)
    }

    /** Sends a failed message again, under its id. */
    retry(id: string): void {
        this.#outbox.retry(id)
    }

    /** Forgets a message that failed or was never sent; false for one that may be stored already. */
    discard(id: string): boolean {
        return this.#outbox.discard(id)
    }

    /** Marks messages as read, here at once; resolves when the server has stored it. */
    markRead(ids: readonly string[]): Promise<void> {
        const seqs = new Map(this.#sync.log.entries.map(({ id, seq }) => [id, seq]))
        const marked = this.#reads.mark(ids.map((id) => ({ id, seq: seqs.get(id) ?? null })))
        this.#changed()
        return marked
    }

    /** Marks everything up to a number as read. */
    markReadUpTo(seq: number): Promise<void> {
        const marked = this.#reads.markUpTo(seq)
        this.#changed()
        return marked
    }

    /** Shows an older page of the log before the others; false when there is none, or no room for it. */
    async loadOlder(): Promise<boolean> {
        const isShown = await this.#history.showOlder()
        this.#changed()
        return isShown
    }

    /** Ends the reading of history: only the newest entries are kept. */
    showNewest(): void {
        this.#sync.log.showNewest()
        this.#changed()
    }

    /** Ends everything; what is not stored yet is sent by the next run, where there is a storage. */
    dispose(): void {
        if (this.#hasEnded) return
        this.#hasEnded = true
        const reason = new StreamError('disposed')
        this.#standing.dispose()
        this.#sync.dispose()
        this.#outbox.dispose(reason)
        this.#reads.dispose(reason)
        this.clear()
    }

    #onEntry(entry: LogEntry, message: ChatMessage): void {
        const deletion = deletionOf(entry)
        if (deletion !== null) {
            this.#deletions.remember(deletion)
            this.#sync.log.redact(deletion)
        }
        this.#standing.takeEntry(entry)
        this.#outbox.confirm(message)
        this.emit('message', message)
    }

    #onDiscontinuity(discontinuity: Discontinuity): void {
        this.#discontinuity = discontinuity
        this.#deletions.clear()
        if (discontinuity.reason !== 'too_far_behind') this.#outbox.doubt()
        this.emit('discontinuity', discontinuity)
    }

    #onStored(entry: LogEntry): boolean {
        const { role, slowModeMs } = this.#standing.now
        if (role === 'viewer' && slowModeMs > 0) {
            this.#standing.coolDown(Date.parse(entry.created_at) + slowModeMs)
        }
        return this.#sync.takeAnswer(entry)
    }

    #report(error: StreamError): void {
        if (!this.#hasEnded) this.emit('error', error)
    }

    #changed(): void {
        if (this.#hasEnded) return
        this.#snapshot = null
        this.#pin.follow(this.#standing.now.pinnedSeq)
        this.#standing.plan()
        this.emit('change', this.snapshot)
    }

    #makeSnapshot(): ChatSnapshot {
        const { log, recovered } = this.#sync
        return {
            ...this.#standing.now,
            status: statusOf(log, this.#isSuspended, this.#error),
            messages: [...log.entries, ...this.#outbox.messages],
            hasOlder: log.hasOlder,
            lastSeq: log.cursor ?? null,
            headSeq: log.headSeq,
            unreadCount: this.#reads.unread(log.oldestSeq, log.headSeq),
            pinned: this.#pin.message,
            recovered,
            discontinuity: this.#discontinuity,
            error: this.#error,
        }
    }
}
