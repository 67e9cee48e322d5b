/** Those who keep what `sync` returns: the chat its log, the stream its state. */

import type { SyncResult } from '../contract/wire.ts'

/** What a log has: everything up to `afterSeq`, of `epoch`. */
export interface SyncCursor {
    afterSeq?: number | undefined
    epoch?: string | undefined
}

export interface SyncConsumer {
    /** Where the log ends that the consumer holds; null where it keeps none. */
    cursor(): SyncCursor | null
    /** The newest number that is known to have been in the log. */
    known?(): number
    /**
     * Takes one answer. With `has_more` the next one follows, from the cursor that the consumer has by then. `knownBefore` is
     * what `known()` said before the call was sent: an answer that names less is of a log that was shortened.
     */
    apply(result: SyncResult, knownBefore?: number): void
    /** Told by every heartbeat: the newest number of the log. A consumer that is behind asks for a sync. */
    observeHead?(headSeq: number, epoch: string): void
}
