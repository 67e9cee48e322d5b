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
    const deletedAt = new Date(created_at)
    switch (metadata.kind) {
        case 'message_deleted':
            return { isMeant: ({ seq }) => seq === metadata.target_seq, deletedAt, forgetsAuthor: false }
        case 'user_messages_deleted': {
            const upTo = Number(metadata.up_to_seq)
            const isMeant = ({ seq, userId, messageType }: ChatMessage) =>
                seq !== null && seq <= upTo && userId === metadata.user_id && messageType === 'user_message'
            return { isMeant, deletedAt, forgetsAuthor: false }
        }
        case 'messages_deleted': {
            const seqs = (Array.isArray(metadata.seqs) ? metadata.seqs : []) as Range[]
            return { isMeant: ({ seq }) => seq !== null && holds(seqs, seq), deletedAt, forgetsAuthor: true }
        }
        default:
            return null
    }
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
