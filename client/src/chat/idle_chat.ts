/** A chat that nobody has opened yet, for what shows one before it is there. */

import type { ChatSnapshot } from './chat_snapshot.ts'
import { OPEN_STANDING } from './standing.ts'

export const IDLE_CHAT: ChatSnapshot = {
    ...OPEN_STANDING,
    status: 'idle',
    messages: [],
    hasOlder: false,
    lastSeq: null,
    headSeq: 0,
    unreadCount: 0,
    pinned: null,
    recovered: null,
    discontinuity: null,
    error: null,
}
