/** Follows the log of one stream: takes frames in order, finds what is missing, and has every gap closed by one sync. */

import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'
import type { LogEntry, SyncResult } from '../contract/wire.ts'
import type { Random } from '../random/random.ts'
import type { SyncConsumer, SyncCursor } from '../sync/sync_consumer.ts'
import type { Frame } from './frame.ts'
import { ChatLog, type Discontinuity } from './log.ts'
import type { ChatMessage } from './message.ts'

/** Missed entries that are fetched; who missed more starts anew with the newest page. */
export const MAX_MISSED = 10_000

/** What makes a client ask for a sync. */
type Cause = 'gap' | 'head' | 'everybody'

/**
 * A random moment from `least` to `most` milliseconds later, so that clients that missed the same do not come together.
 * What closes the gap until then saves the sync.
 */
const JITTER: Readonly<Record<Cause, readonly [least: number, most: number]>> = {
    gap: [100, 500],
    // The server collects entries for 5 s at most without saying so by `poll_ms`: until then none of them is lost.
    head: [5_000, 6_000],
    // Digests, epochs and wishes of the server: every viewer finds them at the same moment.
    everybody: [100, 2_000],
}

export interface SynchroniserParts {
    sessionId: string
    clock: Clock
    random: Random
    /** Has a sync made now; `apply` gets its answer. */
    requestSync: () => void
    /** Whether the connection polls, since the server asks for it. */
    isPolled: () => boolean
    /** Gets each entry once, in order. */
    onEntry: (entry: LogEntry, message: ChatMessage) => void
    onDiscontinuity: (discontinuity: Discontinuity) => void
    onChange: () => void
}

export class ChatSynchroniser implements SyncConsumer {
    readonly log: ChatLog
    readonly #parts: SynchroniserParts
    readonly #asking: Timer
    /** Until a sync has answered, another one is on its way in any case. */
    #isSuspended = true
    /** The end of the last frame behind a gap, until it is held. */
    #gapTo = 0
    #wantedEpoch: string | null = null
    #isResyncWanted = false
    /** The cursor when the last heartbeat was answered: the next one cannot name less. */
    #cursorAtHeartbeat = 0
    #recovered: boolean | null = null

    constructor(parts: SynchroniserParts) {
        this.#parts = parts
        this.#asking = new Timer(parts.clock)
        this.log = new ChatLog(parts.sessionId, parts.onEntry)
    }

    /** Whether the last sync continued what was held; null before the first. */
    get recovered(): boolean | null {
        return this.#recovered
    }

    cursor(): SyncCursor {
        const { cursor, epoch } = this.log
        return cursor === undefined ? {} : { afterSeq: cursor, epoch }
    }

    /** Takes a page of a sync, or the newest page that came with `join_stream`. */
    apply(page: SyncResult): void {
        const before = this.log.cursor
        if (
            before !== undefined &&
            page.recovered &&
            page.head_seq - before > MAX_MISSED &&
            page.epoch === this.log.epoch
        ) {
            // The next page is the newest one.
            return this.log.giveUp()
        }
        // The newest page, which nobody asked for: taking it would leave a hole.
        if (this.log.isTornBy(page)) return this.takeResync()
        const discontinuity = this.log.takeSync(page)
        this.#recovered = discontinuity === null
        if (!page.has_more) {
            this.#isSuspended = false
            this.#isResyncWanted = false
            this.#wantedEpoch = null
            this.#cursorAtHeartbeat = 0
        }
        if (discontinuity !== null) {
            this.#gapTo = 0
            this.#parts.onDiscontinuity(discontinuity)
        }
        this.#look()
        this.#parts.onChange()
    }

    /** Takes the payload of event `messages`. */
    takeFrame(frame: Frame): void {
        const outcome = this.log.takeFrame(frame)
        if (outcome === 'gap') {
            this.#gapTo = Math.max(this.#gapTo, frame.to_seq)
            this.#ask(frame.digest ? 'everybody' : 'gap')
        } else if (outcome === 'epoch') {
            this.#wantedEpoch = frame.epoch
            this.#ask('everybody')
        }
        this.#look()
        this.#parts.onChange()
    }

    /** Takes an entry that came as the answer to its own sending; whether the log holds it now. */
    takeAnswer(entry: LogEntry): boolean {
        const isHeld = this.log.takeAnswer(entry)
        this.#look()
        return isHeld
    }

    /** Takes what a heartbeat says of the log. */
    observeHead(headSeq: number, epoch: string): void {
        const { cursor } = this.log
        if (cursor === undefined) return
        const least = this.#cursorAtHeartbeat
        this.#cursorAtHeartbeat = cursor
        if (epoch !== this.log.epoch) {
            this.#wantedEpoch = epoch
            return this.#ask('everybody')
        }
        // Shorter than what was held before it was sent: another log under the same name.
        if (headSeq < least) return this.takeResync()
        this.log.noteHead(headSeq)
        this.#look()
        this.#parts.onChange()
    }

    /** Takes the event `resync`: what was sent may be lost, and the server wants to be asked. */
    takeResync(): void {
        this.#isResyncWanted = true
        this.#ask('everybody')
    }

    /** The connection is lost: nothing is asked for until the sync of the next one has answered. */
    suspend(): void {
        this.#isSuspended = true
        this.dispose()
    }

    dispose(): void {
        this.#asking.stop()
    }

    /** Asks for a sync when the log is known to be longer than what is held; whoever polls finds out by that. */
    #look(): void {
        const { cursor, headSeq } = this.log
        if (cursor === undefined || cursor >= headSeq || this.#parts.isPolled()) return
        // When the time has come this head must be here; later ones need not.
        this.#ask('head', headSeq)
    }

    #ask(cause: Cause, wantedHead = 0): void {
        if (this.#isSuspended) return
        const [least, most] = JITTER[cause]
        // One sync brings everything, so only the earliest is waited for.
        this.#asking.setSooner(least + this.#parts.random.next() * (most - least), () => this.#due(wantedHead))
    }

    #due(wantedHead: number): void {
        const { cursor = 0, epoch } = this.log
        const isBehind = cursor < Math.max(this.#gapTo, wantedHead)
        const isElsewhere = this.#wantedEpoch !== null && this.#wantedEpoch !== epoch
        if (isBehind || isElsewhere || this.#isResyncWanted) this.#parts.requestSync()
        else this.#look()
    }
}
