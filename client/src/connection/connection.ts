/** The connection to one stream: channels, place, sync, heartbeats and polling, brought back together after every loss. */

import { named } from '../call/named.ts'
import type { Cancel } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import type { AgoraToken } from '../contract/named.ts'
import type { HeartbeatResult, JoinResult, RestrictionEvent } from '../contract/wire.ts'
import { Emitter, type Unsubscribe } from '../emitter/emitter.ts'
import { isTerminal, StreamError } from '../error/stream_error.ts'
import { errorOfLoss, isUnauthorized, type Loss } from '../realtime/loss.ts'
import { StreamStore } from '../stream/stream_store.ts'
import { SessionSync } from '../sync/session_sync.ts'
import { Attempts } from './attempts.ts'
import type { ConnectionParts } from './connection_parts.ts'
import {
    type ConnectionConfig,
    type ConnectionEvents,
    type ConnectionReason,
    ConnectionState,
    type RetryFunction,
    type RetryPolicy,
} from './connection_types.ts'
import { HeartbeatLoop } from './heartbeat_loop.ts'
import { Place } from './place.ts'
import { PollLoop } from './poll_loop.ts'
import { QualityMeter } from './quality_meter.ts'
import { configured } from './retry_policy.ts'
import { ShownState } from './shown_state.ts'
import { Topics } from './topics.ts'

/** A channel that stays refused though the place is held is closed to this user. */
const MOST_REFUSALS = 3

/** Everybody hears of a resync at the same moment. */
const RESYNC_WITHIN_MS = 2_000

/** A server that does not confirm its replication may have lost what came right after the join. */
const UNCONFIRMED_SYNC_MS = 5_000

export class Connection {
    readonly config: ConnectionConfig
    readonly store: StreamStore
    readonly sync: SessionSync
    readonly topics: Topics
    readonly meter: QualityMeter
    readonly serverClock: ServerClock
    readonly #parts: ConnectionParts
    readonly #emitter = new Emitter<ConnectionEvents>()
    readonly #shown: ShownState
    readonly #place: Place
    readonly #heartbeats: HeartbeatLoop
    readonly #polls: PollLoop
    readonly #attempts: Attempts
    readonly #ends: Unsubscribe[]
    #policy: RetryPolicy | RetryFunction
    #token: AgoraToken | null = null
    #error: StreamError | null = null
    #refusals = 0
    #isOpen = false
    #cancelLater: Cancel = () => {}

    constructor(config: ConnectionConfig, parts: ConnectionParts, policy: RetryPolicy | RetryFunction) {
        const { transport, channels, wakes, clock, random, serverClock } = parts
        const { sessionId, userId } = config
        this.config = config
        this.#parts = parts
        this.serverClock = serverClock
        this.#policy = configured(policy, config)
        this.meter = new QualityMeter((quality) => this.#emitter.emit('quality', quality))
        this.#shown = new ShownState(clock, (change) => this.#emitter.emit('state', change))
        this.store = new StreamStore(sessionId)
        const onRefused = (error: StreamError) => this.#refused(error)
        this.sync = new SessionSync({ sessionId, transport, clock, random, serverClock, onRefused })
        this.sync.attach(this.store)
        this.#place = new Place({
            config,
            transport,
            clock,
            serverClock,
            isForeground: () => wakes.isActive,
            onHeartbeat: (result, roundTripMs) => this.#beat(result, roundTripMs),
            onJoined: (result) => this.#joined(result),
            onToken: (token) => {
                this.#token = named<AgoraToken>(token)
                this.#emitter.emit('token', this.#token)
            },
        })
        const onMissed = () => this.meter.missed()
        const onGap = () => wakes.noteGap()
        this.#heartbeats = new HeartbeatLoop({ place: this.#place, clock, random, onMissed, onRefused, onGap })
        this.#polls = new PollLoop({ clock, random, poll: () => this.sync.poll(), onRefused })
        this.#attempts = new Attempts({
            clock,
            random,
            wakes,
            policy: () => this.#policy,
            perform: (reason, signal) => this.#restore(reason, signal),
            onBegun: (reason) => this.#begun(reason),
            onDone: (reason) => this.#done(reason),
            onFailed: (error) => this.#failed(error),
            onGivenUp: (error) => this.#end(error),
        })
        this.topics = new Topics(channels, sessionId, userId)
        this.#ends = this.#listen()
    }

    on<Name extends keyof ConnectionEvents>(
        name: Name,
        listener: (event: ConnectionEvents[Name]) => void
    ): Unsubscribe {
        return this.#emitter.on(name, listener)
    }

    get state(): ConnectionState {
        return this.#shown.state
    }

    get reason(): ConnectionReason {
        return this.#shown.reason
    }

    /** The newest token for the video; null until the first. */
    get token(): AgoraToken | null {
        return this.#token
    }

    /** The error that ended the connection; null while there is none. */
    get error(): StreamError | null {
        return this.#error
    }

    setRetryPolicy(policy: RetryPolicy | RetryFunction): void {
        this.#policy = policy
    }

    /** Begins, or begins again after the connection has ended. */
    open(reason: ConnectionReason): void {
        this.#isOpen = true
        this.#error = null
        this.#refusals = 0
        this.sync.resume()
        this.#attempts.begin(reason)
    }

    /** Ends everything and gives the place up. Nothing is emitted after it. */
    async close(): Promise<void> {
        this.#halt()
        for (const end of this.#ends) end()
        this.topics.leave()
        this.#shown.set(ConnectionState.DISCONNECTED, 'disconnect')
        this.#emitter.clear()
        await this.#place.leave()
    }

    /** Tells of an error that the app met: a loss is repaired, a refusal ends the connection. */
    report(error: StreamError): void {
        if (isTerminal(error)) this.#refused(error)
        else this.#lost('server_loss', error)
    }

    #listen(): Unsubscribe[] {
        const { stream, chat, user, viewers } = this.topics
        return [
            this.#parts.wakes.on('wake', ({ reason, sleepNo }) => {
                if (this.#isOpen) this.#attempts.afterWake(reason, sleepNo)
            }),
            stream.on('state', (event) => this.store.applyState(event)),
            viewers.on('viewer_count', (event) => this.store.applyViewerCount(event)),
            user.on('revoked', (event) => this.#revoked(event)),
            chat.on('ready', ({ isConfirmed }) => this.#ready(isConfirmed)),
            ...this.topics.onCriticalLost((loss) => this.#channelLost(loss)),
            ...this.topics.onBroadcast(({ event, payload }) => this.#other(event, payload)),
        ]
    }

    /** The one way back, after a loss as after a wake: token, place, channels, sync; what matters most comes first. */
    async #restore(_reason: ConnectionReason, signal: AbortSignal): Promise<void> {
        const { channels, wakes } = this.#parts
        await channels.prepare(wakes.sleepNo)
        await this.#place.take(signal)
        if (signal.aborted) return
        try {
            await this.topics.joinCritical(signal)
        } catch (thrown) {
            // Calls get through: what cannot be pushed is polled.
            if (!signal.aborted) this.#polls.setFallback(true)
            throw this.#refusals >= MOST_REFUSALS ? new StreamError('channel_refused', String(thrown)) : thrown
        }
        await this.sync.run()
        this.topics.joinOthers(this.config.viewerCount !== false)
    }

    #begun(reason: ConnectionReason): void {
        this.#heartbeats.stop()
        const isFirst = reason === 'connect' && this.state !== ConnectionState.RECONNECTING
        this.#shown.set(isFirst ? ConnectionState.CONNECTING : ConnectionState.RECONNECTING, reason)
    }

    #done(reason: ConnectionReason): void {
        this.#refusals = 0
        this.#polls.setFallback(false)
        this.#heartbeats.start()
        this.#shown.set(ConnectionState.CONNECTED, reason)
        this.#emitter.emit('restored', { reason })
        // Lost again while the sync was under way.
        const loss = this.topics.lost
        if (loss) this.#lost('server_loss', errorOfLoss(loss))
    }

    #failed(error: StreamError): void {
        if (this.config.enableAutoReconnect === false) this.#end(error)
    }

    #ready(isConfirmed: boolean): void {
        // Within an attempt the sync follows anyway.
        if (!this.#attempts.isRunning) this.sync.request(0)
        if (!isConfirmed) this.#later(UNCONFIRMED_SYNC_MS, () => this.sync.request(0))
    }

    #channelLost(loss: Loss): void {
        if (!this.#isOpen || loss.kind === 'reset') return
        if (isUnauthorized(loss)) this.#refusals++
        if (loss.terminal) return this.#end(errorOfLoss(loss))
        if (!this.#attempts.isRunning) this.#lost('server_loss', errorOfLoss(loss))
    }

    #lost(reason: ConnectionReason, error: StreamError): void {
        if (!this.#isOpen) return
        if (this.config.enableAutoReconnect === false) return this.#end(error)
        this.#shown.set(ConnectionState.RECONNECTING, reason)
        this.#attempts.afterLoss(reason, error)
    }

    #refused(error: StreamError): void {
        if (error.code === 'not_viewer') this.#lost('lease_lost', error)
        else this.#end(error)
    }

    /** Nothing more happens by itself; the app hears of it once. */
    #end(error: StreamError): void {
        if (!this.#isOpen) return
        this.#halt()
        this.#error = error
        const isOver = error.code === 'stream_ended' || error.code === 'superseded'
        this.#shown.set(isOver ? ConnectionState.DISCONNECTED : ConnectionState.FAILED, error.code)
        this.#emitter.emit('error', error)
    }

    #halt(): void {
        this.#isOpen = false
        this.#attempts.stop()
        this.#heartbeats.stop()
        this.#polls.stop()
        this.sync.stop()
        this.#cancelLater()
    }

    #joined(result: JoinResult): void {
        // A newest page would tear the log that a consumer holds: the sync that follows continues it.
        if (this.sync.hasCursor) this.store.apply(result.sync)
        else this.sync.apply(result.sync)
    }

    #beat(result: HeartbeatResult, roundTripMs: number): void {
        this.meter.answered(roundTripMs)
        this.store.applyHeartbeat(result)
        if (!this.#attempts.isRunning) this.sync.observeHead(result.head_seq, result.epoch)
    }

    #revoked(event: RestrictionEvent): void {
        if (event.session_id !== this.config.sessionId || !event.is_in_force || event.restriction !== 'ban') return
        this.#end(new StreamError('banned', 'banned from this stream', { status: 403 }))
    }

    /** Events that an older server does not send. */
    #other(event: string, payload: unknown): void {
        const { poll_ms: pollMs, session_id: sessionId } = (payload ?? {}) as {
            poll_ms?: unknown
            session_id?: unknown
        }
        if (event === 'messages') this.#polls.obeyFrame(typeof pollMs === 'number' ? pollMs : null)
        if (sessionId !== undefined && sessionId !== this.config.sessionId) return
        if (event === 'resync') this.sync.request(RESYNC_WITHIN_MS)
        if (event === 'token_expiring') this.#heartbeats.hurry()
    }

    /** Once more, a little later: only one of these is ever planned. */
    #later(ms: number, run: () => void): void {
        this.#cancelLater()
        this.#cancelLater = this.#parts.clock.after(ms, run)
    }
}
