/** The connection manager of the app: one stream at a time, on the connections that all of the client share. */

import { EventEmitter, type EventSource, endAll, type Unsubscribe } from '../emitter/emitter.ts'
import { abortedError, StreamError, toStreamError } from '../error/stream_error.ts'
import type { CallOptions } from '../transport/transport.ts'
import type { Connection } from './connection.ts'
import type {
    ConnectionConfig,
    ConnectionError,
    ConnectionEvents,
    ConnectionManager,
    ConnectionQuality,
    ConnectionReason,
    ConnectionState,
    RetryFunction,
    RetryPolicy,
} from './connection_types.ts'
import type { HeldConnection } from './connections.ts'
import { QualityMeter } from './quality_meter.ts'

const NAMES = ['state', 'quality', 'error', 'token', 'restored'] as const

export class StreamConnectionManager extends EventEmitter<ConnectionEvents> implements ConnectionManager {
    readonly #hold: (config: ConnectionConfig) => HeldConnection
    #held: HeldConnection | null = null
    /** What it takes to leave the streams of before. */
    #leaving: Promise<unknown> = Promise.resolve()
    #ends: Unsubscribe[] = []
    #policy: RetryPolicy | RetryFunction | null = null

    readonly #onDisposed: (manager: StreamConnectionManager) => void

    constructor(
        hold: (config: ConnectionConfig) => HeldConnection,
        onDisposed: (manager: StreamConnectionManager) => void = () => {}
    ) {
        super()
        this.#hold = hold
        this.#onDisposed = onDisposed
    }

    /** The stream's connection, with its state, its log and its clock; null before `connect` and after `disconnect`. */
    get connection(): Connection | null {
        return this.#held?.connection ?? null
    }

    /**
     * Connects to a stream, in place of the one before. Resolves once all is caught up; rejects with the error that ended
     * it, or with `aborted` when `disconnect` or the signal came first.
     */
    async connect(config: ConnectionConfig, { signal }: CallOptions = {}): Promise<void> {
        if (signal?.aborted) throw abortedError(signal)
        const held = this.#take(config)
        const leave = () => {
            if (this.#held === held) this.#drop()
        }
        signal?.addEventListener('abort', leave, { once: true })
        try {
            await settled(held.connection, true, this)
        } finally {
            signal?.removeEventListener('abort', leave)
        }
    }

    async disconnect(): Promise<void> {
        this.#drop()
        await this.#leaving
    }

    /** A share of the stream's connection, in place of the one before, which is left beside it. */
    #take(config: ConnectionConfig): HeldConnection {
        const held = this.#hold(config)
        if (this.#held?.connection === held.connection) {
            void held.release()
            return this.#held
        }
        this.#drop()
        this.#held = held
        if (this.#policy) held.connection.setRetryPolicy(this.#policy)
        this.#ends = NAMES.map((name) => held.connection.on(name, (event) => this.emit(name, event)))
        const { state, reason } = held.connection
        this.emit('state', { state, previous: 'disconnected', reason })
        return held
    }

    #drop(): void {
        const held = this.#held
        if (!held) return
        const previous = held.connection.state
        this.#held = null
        endAll(this.#ends)
        this.#ends = []
        this.#leaving = Promise.all([this.#leaving, held.release({ now: true })])
        const state = 'disconnected'
        if (previous !== state) this.emit('state', { state, previous, reason: 'disconnect' })
    }

    /** Tries again at once, with all attempts; also after the connection has failed. */
    async reconnect(): Promise<void> {
        const connection = this.connection
        if (!connection) throw new StreamError('invalid_argument', 'connect to a stream first')
        const restored = settled(connection, false, this)
        connection.open('reconnect')
        await restored
    }

    getConnectionState(): ConnectionState {
        return this.connection?.state ?? 'disconnected'
    }

    getConnectionReason(): ConnectionReason {
        return this.connection?.reason ?? 'new'
    }

    getConnectionQuality(): ConnectionQuality {
        return this.connection?.meter.quality ?? new QualityMeter().quality
    }

    async handleConnectionError(error: ConnectionError): Promise<void> {
        this.connection?.report(toStreamError(error))
    }

    setRetryPolicy(policy: RetryPolicy | RetryFunction): void {
        this.#policy = policy
        this.connection?.setRetryPolicy(policy)
    }

    /** What the media engine measured: loss from 0 to 1, bandwidth in kilobits a second. */
    setMediaQuality(packetLoss: number, bandwidth: number): void {
        this.connection?.meter.media(packetLoss, bandwidth)
    }

    async dispose(): Promise<void> {
        this.#onDisposed(this)
        await this.disconnect()
        this.clear()
    }
}

/**
 * Resolves when all is restored, or was already where `present` counts; rejects when the connection has ended, or is no longer
 * that of whom `told` tells.
 */
export function settled(
    connection: Connection,
    present = true,
    told: EventSource<ConnectionEvents> = connection
): Promise<void> {
    return new Promise((resolve, reject) => {
        const ended = () => connection.error ?? new StreamError('aborted')
        if (present && connection.state === 'connected') return resolve()
        if (present && connection.error) return reject(connection.error)
        const ends = [
            told.on('restored', () => settle(resolve)),
            told.on('state', ({ state }) => {
                const isOver = state === 'disconnected' || state === 'failed'
                if (isOver) settle(() => reject(ended()))
            }),
        ]
        const settle = (result: () => void) => {
            endAll(ends)
            result()
        }
    })
}
