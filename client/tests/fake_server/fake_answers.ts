/** What the fake server answers of one stream in a list, and of a subscription. */

import type { FakeLog } from './fake_log.ts'

/** An auction has the id of its stream here. */
export function live(log: FakeLog): unknown {
    const id = { session_id: log.sessionId, auction_id: log.sessionId, seller_id: log.sellerId }
    const counts = { viewer_count: log.viewerCount, peak_viewer_count: log.viewerCount }
    return { ...id, ...counts, title: null, state: log.state, created_at: log.serverTime(), started_at: null }
}

export function subscription(sessionId: string, userId: string, isActive: boolean): unknown {
    return { id: sessionId, session_id: sessionId, user_id: userId, channel: `chat:${sessionId}`, is_active: isActive }
}
