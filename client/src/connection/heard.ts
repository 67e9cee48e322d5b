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
import type { PollLoop } from './poll_loop.ts'
import type { Topics } from './topics.ts'

export interface HeardOptions {
    topics: Topics
    store: StreamStore
    sync: SessionSync
    polls: PollLoop
    heartbeats: HeartbeatLoop
    /** Whether an attempt runs, which ends with a sync of its own. */
    isRestoring: () => boolean
    onRefused: (error: StreamError) => void
}

/** Everybody hears of a resync at the same moment. */
const RESYNC_WITHIN_MS = 2_000

/** A server that does not confirm its replication may have lost what came right after the join. */
const UNCONFIRMED_SYNC_MS = 5_000

export class Heard {
    readonly #options: HeardOptions
    readonly #config: ConnectionConfig
    readonly #unconfirmed: Timer

    constructor(config: ConnectionConfig, clock: Clock, options: HeardOptions) {
        this.#config = config
        this.#options = options
        this.#unconfirmed = new Timer(clock)
    }

    listen(): Unsubscribe[] {
        const { topics, store } = this.#options
        return [
            topics.stream.on('state', (event) => store.applyState(event)),
            topics.viewers.on('viewer_count', (event) => store.applyViewerCount(event)),
            topics.viewers.on('reactions', (event) => store.applyReactions(event)),
            topics.user.on('revoked', (event) => this.#revoked(event)),
            topics.chat.on('ready', ({ isConfirmed }) => this.#ready(isConfirmed)),
            ...topics.onBroadcast(({ event, payload }) => this.#broadcast(event, payload)),
        ]
    }

    /** Forgets what was planned. */
    stop(): void {
        this.#unconfirmed.stop()
    }

    #ready(isConfirmed: boolean): void {
        const { sync, isRestoring } = this.#options
        if (!isRestoring()) sync.request()
        if (!isConfirmed) this.#unconfirmed.set(UNCONFIRMED_SYNC_MS, () => sync.request())
    }

    #revoked(event: RestrictionEvent): void {
        if (event.session_id !== this.#config.sessionId || !event.is_in_force || event.restriction !== 'ban') return
        this.#options.onRefused(new StreamError('banned', undefined, { status: 403 }))
    }

    /** Events and members that an older server does not send. */
    #broadcast(event: string, payload: unknown): void {
        const { polls, sync, heartbeats } = this.#options
        const known = (payload ?? {}) as { poll_ms?: unknown; session_id?: unknown }
        if (known.session_id !== undefined && known.session_id !== this.#config.sessionId) return
        if (event === 'messages') polls.obeyFrame(typeof known.poll_ms === 'number' ? known.poll_ms : null)
        if (event === 'resync') sync.request(RESYNC_WITHIN_MS)
        if (event === 'token_expiring') heartbeats.hurry()
    }
}
