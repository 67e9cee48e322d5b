/** What a connection does about the events of its topics. */

import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'
import type { RestrictionEvent } from '../contract/wire.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import { StreamError } from '../error/stream_error.ts'
import type { StreamStore } from '../stream/stream_store.ts'
import type { SessionSync } from '../sync/session_sync.ts'
import type { ConnectionConfig } from './connection_types.ts'
import type { HeartbeatLoop } from './heartbeat_loop.ts'
import type { PollLoop, PollWish } from './poll_loop.ts'
import type { Topics } from './topics.ts'

export interface HeardOptions {
    config: ConnectionConfig
    clock: Clock
    topics: Topics
    store: StreamStore
    sync: SessionSync
    polls: PollLoop
    heartbeats: HeartbeatLoop
    /** Whether an attempt runs, which ends with a sync of its own. */
    isRunning: () => boolean
    onRefused: (error: StreamError) => void
}

/** Everybody hears of a resync at the same moment. */
const RESYNC_WITHIN_MS = 2_000

/** A server that does not confirm its replication may have lost what came right after the join. */
const UNCONFIRMED_SYNC_MS = 5_000

/** Listens to the topics until `ends` are run; `stop` forgets what is planned. */
export function followTopics({ topics, store, sync, polls, heartbeats, isRunning, onRefused, ...rest }: HeardOptions): {
    ends: Unsubscribe[]
    stop: () => void
} {
    const { sessionId } = rest.config
    const unconfirmed = new Timer(rest.clock)
    const ends = [
        topics.stream.on('state', (event) => store.applyState(event)),
        topics.viewers.on('viewer_count', (event) => store.applyViewerCount(event)),
        topics.viewers.on('reactions', (event) => store.applyReactions(event)),
        topics.user.on('revoked', ({ session_id, is_in_force, restriction }: RestrictionEvent) => {
            if (session_id !== sessionId || !is_in_force || restriction !== 'ban') return
            onRefused(new StreamError('banned', undefined, { status: 403 }))
        }),
        topics.chat.on('ready', ({ isConfirmed }) => {
            if (!isRunning()) sync.request()
            if (!isConfirmed) unconfirmed.set(UNCONFIRMED_SYNC_MS, () => sync.request())
        }),
        // Events and members that an older server does not send.
        ...topics.onBroadcast(({ event, payload }) => {
            const { session_id = sessionId, ...wish } = (payload ?? {}) as PollWish & { session_id?: unknown }
            if (session_id !== sessionId) return
            if (event === 'messages') polls.obey(wish)
            if (event === 'resync') sync.request(RESYNC_WITHIN_MS)
            if (event === 'token_expiring') heartbeats.hurry()
        }),
    ]
    return { ends, stop: () => unconfirmed.stop() }
}
