/** The connection to one stream: channels, place, sync, heartbeats and polling, brought back together after every loss. */

import { named } from '../call/named.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import type { AgoraToken, ViewerLease } from '../contract/named.ts'
import type { HeartbeatResult } from '../contract/wire.ts'
import { EventEmitter, endAll, type Unsubscribe } from '../emitter/emitter.ts'
import { isTerminal, StreamError, toStreamError } from '../error/stream_error.ts'
import { errorOfLoss, isUnauthorized, type Loss } from '../realtime/loss.ts'
import { StreamStore } from '../stream/stream_store.ts'
import { SessionSync } from '../sync/session_sync.ts'
import { Attempts } from './attempts.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type {
    ConnectionConfig,
    ConnectionEvents,
    ConnectionReason,
    ConnectionState,
    RetryFunction,
    RetryPolicy,
} from './connection_types.ts'
import { followTopics } from './heard.ts'
import { type HeartbeatLoop, heartbeatLoop } from './heartbeat_loop.ts'
import { Place } from './place.ts'
import { type PollLoop, pollLoop } from './poll_loop.ts'
import { QualityMeter } from './quality_meter.ts'
import { configured } from './retry_policy.ts'
import { ShownState } from './shown_state.ts'
import { type SideTopic, sideTopic } from './side_topics.ts'
import { Topics } from './topics.ts'

/** A channel that stays refused though the place is held is closed to this user. */
const MOST_REFUSALS = 3

export class Connection extends EventEmitter<ConnectionEvents> {
    readonly config: ConnectionConfig
    readonly store: StreamStore
    readonly sync: SessionSync
    readonly topics: Topics
    readonly meter: QualityMeter
    readonly serverClock: ServerClock
    readonly #parts: ConnectionParts
    readonly #shown: ShownState
    readonly #place: Place
    readonly #heartbeats: HeartbeatLoop
    readonly #polls: PollLoop
    readonly #attempts: Attempts
    readonly #heard: ReturnType<typeof followTopics>
    readonly #sides: readonly SideTopic[]
    readonly #ends: Unsubscribe[]
    #policy: RetryPolicy | RetryFunction
    #token: AgoraToken | null = null
    #error: StreamError | null = null
    #refusals = 0
    #isOpen = false

    constructor(config: ConnectionConfig, parts: ConnectionParts, policy: RetryPolicy | RetryFunction) {
        super()
        const { channels, wakes, clock, serverClock } = parts
        const { sessionId, userId } = config
        this.config = config
        this.#parts = parts
        this.serverClock = serverClock
        this.#policy = configured(policy, config)
        this.meter = new QualityMeter((quality) => this.emit('quality', quality))
        this.#shown = new ShownState(clock, (change) => this.emit('state', change))
        this.store = new StreamStore(sessionId)
        const onRefused = (error: StreamError) => this.report(error)
        this.sync = new SessionSync(sessionId, parts, onRefused)
        this.sync.attach(this.store)
        this.#place = new Place(config, parts, {
            onHeartbeat: (result, roundTripMs) => this.#beat(result, roundTripMs),
            onJoined: (result) => this.sync.applyNewest(result.sync),
            onToken: (token) => {
                this.#token = named<AgoraToken>(token)
                this.emit('token', this.#token)
            },
        })
        this.#heartbeats = heartbeatLoop(this.#place, parts, this.meter, onRefused)
        this.#polls = pollLoop(parts, this.sync, onRefused)
        this.#attempts = new Attempts(parts, {
            policy: () => this.#policy,
            perform: (signal) => this.#restore(signal),
            onBegun: (reason) => this.#begun(reason),
            onDone: (reason) => this.#done(reason),
            onFailed: (error) => (this.#isAutomatic ? this.sync.release() : this.#end(error)),
            onGivenUp: (error) => this.#end(error),
        })
        this.topics = new Topics(channels, sessionId, userId)
        this.#heard = followTopics({
            config,
            clock,
            topics: this.topics,
            store: this.store,
            sync: this.sync,
            polls: this.#polls,
            heartbeats: this.#heartbeats,
            isRunning: () => this.#attempts.isRunning,
            onRefused,
        })
        this.#sides = this.topics.side(config.viewerCount !== false).map((lease) => sideTopic(lease, parts))
        this.#ends = [
            wakes.on('wake', ({ reason, sleepNo }) => {
                if (this.#isOpen && this.#isAutomatic) this.#attempts.afterWake(reason, sleepNo)
            }),
            wakes.on('sleep', ({ reason }) => {
                if (reason !== 'offline' || !this.#isAutomatic) return
                this.#lost('offline', new StreamError('unreachable'))
            }),
            ...this.topics.onLost((loss) => this.#channelLost(loss)),
            ...this.#heard.ends,
            ...this.#sides.flatMap((side) => side.ends),
            () => this.#heard.stop(),
        ]
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

    /** A viewer's place in the stream; null for a seller, and until the viewer has joined. */
    get lease(): ViewerLease | null {
        return this.#place.lease && named<ViewerLease>(this.#place.lease)
    }

    /** The error that ended the connection; null while there is none. */
    get error(): StreamError | null {
        return this.#error
    }

    /** Whether the server asks for polling, since frames come rarely at present. */
    get isPolled(): boolean {
        return this.#polls.isWanted()
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

    /** Becomes the seller's where it is not, or is of an older generation: those who share it stay on it. */
    host(host: Pick<ConnectionConfig, 'role' | 'generation'>): void {
        if (this.#place.host(host)) this.open('reconnect')
    }

    /** Ends everything and gives the place up. Nothing is emitted after it. */
    async close(): Promise<void> {
        this.#halt()
        endAll(this.#ends)
        this.#shown.set('disconnected', 'disconnect')
        this.clear()
        await this.#place.leave()
    }

    /** Tells of an error that the app met: a loss is repaired, a refusal ends the connection. Whether it goes on. */
    report(error: StreamError): boolean {
        if (isTerminal(error)) this.#refused(error)
        else this.#lost(error.code === 'not_viewer' ? 'lease_lost' : 'server_loss', error)
        return this.#isOpen
    }

    get #isAutomatic(): boolean {
        return this.config.enableAutoReconnect !== false
    }

    /** The one way back, after a loss as after a wake: token, place, channels, sync; what matters most comes first. */
    async #restore(signal: AbortSignal): Promise<void> {
        const { channels, wakes } = this.#parts
        await channels.prepare(wakes.sleepNo)
        await this.#place.take(signal).catch(async (thrown: unknown) => {
            // The last words of a stream that has ended are in its log.
            if (toStreamError(thrown).code === 'stream_ended') await this.sync.run()
            throw thrown
        })
        if (signal.aborted) return
        try {
            await this.topics.join(signal)
        } catch (thrown) {
            if (signal.aborted) throw thrown
            const { lost } = this.topics
            if (lost && isUnauthorized(lost) && ++this.#refusals >= MOST_REFUSALS) {
                throw new StreamError('channel_refused', lost.message)
            }
            // Calls get through: what cannot be pushed is polled.
            this.#polls.setFallback(true)
            throw thrown
        }
        await this.sync.run()
        if (!signal.aborted) for (const side of this.#sides) side.start()
    }

    #begun(reason: ConnectionReason): void {
        this.#heartbeats.stop()
        this.#polls.skip()
        for (const side of this.#sides) side.stop()
        this.sync.hold()
        const isFirst = reason === 'connect' && this.state !== 'reconnecting'
        this.#shown.set(isFirst ? 'connecting' : 'reconnecting', reason)
    }

    #done(reason: ConnectionReason): void {
        this.#refusals = 0
        this.#polls.setFallback(false)
        this.#heartbeats.start()
        this.#shown.set('connected', reason)
        this.emit('restored', { reason })
        // Lost again while the sync was under way.
        const loss = this.topics.lost
        if (loss) this.#lost('server_loss', errorOfLoss(loss), loss.kind)
    }

    #channelLost(loss: Loss): void {
        if (loss.kind === 'reset' && this.#isAutomatic) return
        if (loss.isFinal) return this.#end(errorOfLoss(loss))
        this.#lost('server_loss', errorOfLoss(loss), loss.kind)
    }

    #lost(reason: ConnectionReason, error: StreamError, kind?: Loss['kind']): void {
        if (!this.#isOpen || this.#attempts.isBusy) return
        if (!this.#isAutomatic) return this.#end(error)
        for (const side of this.#sides) side.stop()
        this.#shown.set('reconnecting', reason)
        this.#attempts.afterLoss(reason, error, kind === 'socket' ? 'drop' : 'refusal')
    }

    #refused(error: StreamError): void {
        if (error.code !== 'stream_ended') return this.#end(error)
        this.sync
            .run()
            .finally(() => this.#end(error))
            .catch(() => {})
    }

    /** Nothing more happens by itself; the app hears of it once. */
    #end(error: StreamError): void {
        if (!this.#isOpen) return
        this.#halt()
        this.#error = error
        const isOver = error.code === 'stream_ended' || error.code === 'superseded'
        this.#shown.set(isOver ? 'disconnected' : 'failed', error.code)
        this.emit('error', error)
    }

    #halt(): void {
        this.#isOpen = false
        const parts = [
            this.#attempts,
            this.#heartbeats,
            this.#polls,
            ...this.#sides,
            this.#heard,
            this.sync,
            this.topics,
        ]
        for (const part of parts) part.stop()
    }

    #beat(result: HeartbeatResult, roundTripMs: number): void {
        this.meter.answered(roundTripMs)
        this.store.applyHeartbeat(result)
        this.#polls.obey(result, true)
        if (!this.#attempts.isRunning) this.sync.observeHead(result.head_seq, result.epoch)
    }
}
