/** What the log says of deleted messages, applied to what is shown and to pages that come later. */

import type { LogEntry } from '../contract/wire.ts'
import type { ChatMessage } from './message.ts'
import { holds, type Range } from './ranges.ts'

/** Deletions that are remembered, for pages of history that were read before them. */
const MAX_REMEMBERED = 200

export interface Deletion {
    isMeant: (message: ChatMessage) => boolean
    deletedAt: Date
    /** The user was erased: the name goes with the text. */
    forgetsAuthor: boolean
}

/** The deletion that an entry of the log announces, if it announces one. */
export function deletionOf({ metadata, message_type: type, created_at }: LogEntry): Deletion | null {
    if (type !== 'system_message') return null
    const { kind, target_seq, up_to_seq, user_id, seqs } = metadata
    const deletion = (isMeant: Deletion['isMeant'], forgetsAuthor = false) => ({
        isMeant,
        deletedAt: new Date(created_at),
        forgetsAuthor,
    })
    if (kind === 'message_deleted') return deletion(({ seq }) => seq === target_seq)
    if (kind === 'user_messages_deleted') {
        return deletion(
            ({ seq, userId, messageType }) =>
                seq !== null && seq <= Number(up_to_seq) && userId === user_id && messageType === 'user_message'
        )
    }
    if (kind !== 'messages_deleted') return null
    const ranges = (Array.isArray(seqs) ? seqs : []) as Range[]
    return deletion(({ seq }) => seq !== null && holds(ranges, seq), true)
}

/** The message as the deletion leaves it: its place stays, its text goes. */
export function redacted(message: ChatMessage, { isMeant, deletedAt, forgetsAuthor }: Deletion): ChatMessage {
    if (!isMeant(message) || (message.deletedAt !== null && !(forgetsAuthor && message.username !== null)))
        return message
    const author = forgetsAuthor ? { userId: null, username: null } : {}
    return { ...message, ...author, content: '', metadata: {}, deletedAt: message.deletedAt ?? deletedAt }
}

export class Deletions {
    #remembered: Deletion[] = []

    remember(deletion: Deletion): void {
        this.#remembered = [...this.#remembered, deletion].slice(-MAX_REMEMBERED)
    }

    /** A message that was read before deletions which are known by now. */
    applyTo(message: ChatMessage): ChatMessage {
        return this.#remembered.reduce(redacted, message)
    }

    clear(): void {
        this.#remembered = []
    }
}
