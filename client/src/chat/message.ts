/** Messages as an app shows them: the seed's ChatMessage, made from an entry of the log or from a message being sent. */

import { instant } from '../call/named.ts'
import { type Constants, constants } from '../constants/constants.ts'
import type { LogEntry } from '../contract/wire.ts'
import type { StreamError } from '../error/stream_error.ts'

export type MessageType = 'user_message' | 'system_message' | 'auction_update'

export const MessageType: Constants<MessageType> = /* @__PURE__ */ constants(
    'user_message',
    'system_message',
    'auction_update'
)

/** `pending`: on its way; `sent`: stored; `failed`: refused or given up, to be retried or discarded. */
export type DeliveryStatus = 'pending' | 'sent' | 'failed'

export interface ChatMessage {
    readonly id: string
    readonly sessionId: string
    /** Its number in the log; null until it is stored. */
    readonly seq: number | null
    /** Null for messages of the stream itself, and when the user is gone. */
    readonly userId: string | null
    readonly username: string | null
    /** Empty once the message is deleted. */
    readonly content: string
    readonly timestamp: Date
    readonly messageType: MessageType
    /** What an entry says to programs, by its `kind`. */
    readonly metadata: Readonly<Record<string, unknown>>
    readonly deletedAt: Date | null
    readonly status: DeliveryStatus
    /** Why it failed. */
    readonly error: StreamError | null
}

export function toMessage(sessionId: string, entry: LogEntry): ChatMessage {
    return {
        id: entry.id,
        sessionId,
        seq: entry.seq,
        userId: entry.user_id,
        username: entry.username,
        content: entry.content,
        timestamp: new Date(entry.created_at),
        messageType: entry.message_type,
        metadata: entry.metadata,
        deletedAt: instant(entry.deleted_at),
        status: 'sent',
        error: null,
    }
}
