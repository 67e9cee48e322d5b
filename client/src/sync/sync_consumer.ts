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
    /**
     * Takes one answer, each of a call that was sent after the one before was answered. With `has_more` the next one follows,
     * from the cursor that the consumer has by then.
     */
    apply(result: SyncResult): void
    /** Told by every heartbeat: the newest number of the log. A consumer that is behind asks for a sync. */
    observeHead?(headSeq: number, epoch: string): void
}
