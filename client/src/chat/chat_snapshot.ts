/** What an app shows of a chat: one object that is never changed, and a new one for every change. */

import type { StreamError } from '../error/stream_error.ts'
import type { ChatLog, Discontinuity } from './log.ts'
import type { ChatMessage } from './message.ts'
import type { Standing } from './standing.ts'

/**
 * `idle` before the first sync; `behind` while something is known to be missing; `suspended` without a connection; `ended`
 * with the stream; `failed` when it cannot be followed any more.
 */
export type ChatStatus = 'idle' | 'live' | 'behind' | 'suspended' | 'ended' | 'failed'

export interface ChatSnapshot extends Standing {
    readonly status: ChatStatus
    /** The newest entries of the log in order, then what the user is sending. */
    readonly messages: readonly ChatMessage[]
    /** Whether the log has entries before the first one that is shown. */
    readonly hasOlder: boolean
    /** The last number of the log that is held; null before the first sync. */
    readonly lastSeq: number | null
    readonly headSeq: number
    readonly unreadCount: number
    readonly pinned: ChatMessage | null
    /** Whether the last sync continued what was held; null before the first. */
    readonly recovered: boolean | null
    /** What broke the sequence last. */
    readonly discontinuity: Discontinuity | null
    /** Why the chat cannot be followed any more. */
    readonly error: StreamError | null
}

/** Events of a chat. */
export interface ChatEvents {
    change: ChatSnapshot
    /** An entry has become part of the log: each one once, in order. */
    message: ChatMessage
    /** A sync was answered: whether it continued what was held. */
    synced: { recovered: boolean }
    /** What was shown before counts no more. */
    discontinuity: Discontinuity
    /** A mark could not be stored, or the storage failed; what a call rejects with is not told again. */
    error: StreamError
}

export function statusOf(log: ChatLog, isSuspended: boolean, error: StreamError | null): ChatStatus {
    if (error !== null) return error.code === 'stream_ended' ? 'ended' : 'failed'
    if (log.cursor === undefined) return 'idle'
    if (isSuspended) return 'suspended'
    return log.isBehind ? 'behind' : 'live'
}
