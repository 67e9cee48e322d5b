/** What sellers and moderators do in a chat, each call under an id of its own. */

import type { ChatMode, StreamClient } from '@pg-stream/client'

export const MUTE_S = 300

export function moderationOf(client: StreamClient, sessionId: string) {
    // Not of `crypto`: a phone's page of plain http has no `randomUUID`.
    const { calls, random } = client.core
    const session = { session_id: sessionId }
    const once = () => ({ ...session, request_id: random.uuid() })
    return {
        pin: (messageId: string) => calls.run('pin_message', { ...once(), message_id: messageId }),
        unpin: () => calls.run('unpin_message', once()),
        remove: (messageId: string) => calls.run('delete_message', { ...once(), message_id: messageId }),
        mute: (userId: string) => calls.run('mute_user', { ...once(), user_id: userId, duration_s: MUTE_S }),
        ban: (userId: string) => calls.run('ban_user', { ...once(), user_id: userId }),
        lift: (userId: string, kind: string) => calls.run('lift_restriction', { ...once(), user_id: userId, kind }),
        setSlowMode: (intervalMs: number) => calls.run('set_slow_mode', { ...once(), interval_ms: intervalMs }),
        setMode: (mode: ChatMode) => calls.run('set_chat_mode', { ...once(), mode }),
        block: (term: string) => calls.run('block_term', { ...once(), term }),
        unblock: (term: string) => calls.run('unblock_term', { ...once(), term }),
        terms: () => calls.run('list_blocked_terms', session),
        restrictions: () => calls.run('list_restrictions', session),
        reports: () => calls.run('list_reports', session),
        report: (messageId: string) => calls.run('report_message', { ...session, message_id: messageId }),
        resolve: (messageId: string) => calls.run('resolve_report', { ...once(), message_id: messageId }),
    }
}

export type Moderation = ReturnType<typeof moderationOf>
