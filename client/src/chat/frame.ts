/** Frames of the log, and their recognition: what comes from a socket is not trusted to have a form. */

import type { MessagesEvent } from '../contract/wire.ts'

/** The payload of event `messages`; older servers leave out what is optional here. */
export type Frame = Omit<MessagesEvent, 'poll_ms' | 'digest'> & {
    /** Frames come seldom: poll with this interval. */
    poll_ms?: number | null
    /** The entries were too large for a frame: fetch them. */
    digest?: boolean
}

export function isFrame(payload: unknown): payload is Frame {
    const { epoch, from_seq, to_seq, head_seq, messages } = (payload ?? {}) as Record<string, unknown>
    return (
        typeof epoch === 'string' &&
        [from_seq, to_seq, head_seq].every(Number.isSafeInteger) &&
        Array.isArray(messages) &&
        messages.every((entry: { seq?: unknown } | null) => Number.isSafeInteger(entry?.seq))
    )
}
