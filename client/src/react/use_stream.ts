/** `useStream`, `useViewerCount`, `useConnectionState` and `useStreamError`: one connection, seen from four sides. */

import { useMemo } from 'react'
import type { StreamClient } from '../client.ts'
import type { Connection } from '../connection/connection.ts'
import { type ConnectionQuality, type ConnectionReason, ConnectionState } from '../connection/connection_types.ts'
import type { AgoraToken } from '../contract/named.ts'
import type { StreamError } from '../error/stream_error.ts'
import { type StreamSnapshot, UNKNOWN_STREAM } from '../stream/stream_store.ts'
import { useStreamClient } from './provider.ts'
import { keyOf, remembered, type Source, useSource, type Watched } from './source.ts'

/** `idle` without a stream to watch; `loading` until it is known; `error` when the connection has ended. */
export type StreamStatus = 'idle' | 'loading' | 'ready' | 'error'

export interface WatchedStream extends Omit<StreamSnapshot, 'sessionId'> {
    readonly status: StreamStatus
    readonly connectionState: ConnectionState
    /** For the video; null until the first. */
    readonly token: AgoraToken | null
    readonly error: StreamError | null
}

export interface ViewerCount {
    readonly status: StreamStatus
    readonly viewerCount: number | null
    readonly peakViewerCount: number | null
}

export interface WatchedConnection {
    readonly state: ConnectionState
    readonly reason: ConnectionReason
    readonly quality: ConnectionQuality
    readonly error: StreamError | null
}

const STREAM: WatchedStream = {
    ...UNKNOWN_STREAM,
    status: 'idle',
    connectionState: ConnectionState.DISCONNECTED,
    token: null,
    error: null,
}
const COUNT: ViewerCount = { status: 'idle', viewerCount: null, peakViewerCount: null }
const CONNECTION: WatchedConnection = {
    state: ConnectionState.DISCONNECTED,
    reason: 'new',
    quality: { latency: 0, packetLoss: 0, bandwidth: 0, quality: 'poor' },
    error: null,
}

/** State, host and role of a stream; joins it while the component is mounted. */
export function useStream(config: Watched): WatchedStream {
    return useConnection(
        config,
        STREAM,
        ({ store, state, token, error }) => [store.snapshot, state, token, error] as const,
        ({ sessionId: _, ...snapshot }, connectionState, token, error) => {
            const isKnown = snapshot.state !== null
            return { ...snapshot, status: statusOf(isKnown, error), connectionState, token, error }
        }
    )
}

export function useViewerCount(config: Watched): ViewerCount {
    return useConnection(
        config,
        COUNT,
        ({ store, error }) => [store.snapshot.viewerCount, store.snapshot.peakViewerCount, error] as const,
        (viewerCount, peakViewerCount, error) => {
            return { status: statusOf(viewerCount !== null, error), viewerCount, peakViewerCount }
        }
    )
}

/** The state as it is shown: `reconnecting` only once it has taken a second. */
export function useConnectionState(config: Watched): WatchedConnection {
    return useConnection(
        config,
        CONNECTION,
        ({ state, reason, meter, error }) => [state, reason, JSON.stringify(meter.quality), error] as const,
        (state, reason, quality, error) => ({ state, reason, quality: JSON.parse(quality) as ConnectionQuality, error })
    )
}

/** The error that ended the connection, and the way to try again. */
export function useStreamError(config: Watched): { error: StreamError | null; reconnect: () => void } {
    const client = useStreamClient()
    const { error } = useConnectionState(config)
    const { sessionId = '', userId = '' } = config ?? {}
    return useMemo(() => {
        const reconnect = () => client?.core.connections.find(sessionId, userId)?.open('reconnect')
        return { error, reconnect }
    }, [client, sessionId, userId, error])
}

function useConnection<Parts extends readonly unknown[], Snapshot extends object>(
    config: Watched,
    idle: Snapshot,
    parts: (connection: Connection) => readonly [...Parts],
    make: (...parts: Parts) => Snapshot
): Snapshot {
    const source = (client: StreamClient): Source<Snapshot> => {
        const watched = config as NonNullable<Watched>
        // One that another view holds, or let go of a moment ago, is shown from the first render on.
        let connection = client.core.connections.find(watched.sessionId, watched.userId)
        const read = remembered(() => parts(connection as Connection), make)
        return {
            hold(onChange) {
                const held = client.hold(watched)
                connection = held.connection
                const ends = [
                    held.connection.store.on('change', onChange),
                    ...(['state', 'quality', 'token', 'error'] as const).map((name) =>
                        held.connection.on(name, onChange)
                    ),
                ]
                return () => {
                    for (const end of ends) end()
                    void held.release()
                }
            },
            read: () => (connection === undefined ? idle : read()),
        }
    }
    return useSource(source, keyOf(config), idle, (error) => ({ ...idle, status: 'error', error }))
}

function statusOf(isKnown: boolean, error: StreamError | null): StreamStatus {
    if (error !== null) return 'error'
    return isKnown ? 'ready' : 'loading'
}
