/** `useStreamViewer`: a viewer that is made when a component is mounted, shared while others show it, and gone a moment after the last. */

import { useEffect, useMemo, useRef } from 'react'
import type { StreamClient } from '../client.ts'
import { ConnectionState } from '../connection/connection_types.ts'
import { StreamError } from '../error/stream_error.ts'
import { type HeldViewer, holdViewer, type ShownViewer } from '../viewer/held_viewers.ts'
import type { StreamViewer } from '../viewer/stream_viewer.ts'
import type { VideoViewOptions } from '../viewer/video_engine.ts'
import type { StreamViewerOptions } from '../viewer/viewer_options.ts'
import { StreamQuality, type StreamViewerSnapshot } from '../viewer/viewer_types.ts'
import { useStreamClient } from './provider.ts'
import { remembered, type Source, useSource } from './source.ts'

export interface UseStreamViewerOptions extends StreamViewerOptions {
    /** That of `StreamProvider` when left out. */
    client?: StreamClient
    onConnectionStateChange?: (state: ConnectionState) => void
    onError?: (error: StreamError) => void
}

export interface StreamViewerState extends StreamViewerSnapshot {
    /** For everything that an app does with a viewer; null until the component is mounted. */
    readonly viewer: StreamViewer | null
    /** Draws in a view, above the other views of this stream; the same view again draws otherwise. Does not change. */
    readonly attach: (view: unknown, options?: Partial<VideoViewOptions>) => void
    readonly detach: (view: unknown) => void
}

/**
 * The viewer of a stream. The engine's factory is made outside of components, like the client; one that is made in a
 * render is taken once for each mount. Components that are given the same one share a viewer.
 */
export function useStreamViewer(options: UseStreamViewerOptions): StreamViewerState {
    const { sessionId, userId, userRole, generation, quality } = options
    const provided = useStreamClient()
    const client = options.client ?? provided
    const latest = useRef(options)
    // Before the effect that subscribes: what happens in it is told to the functions of this render.
    useEffect(() => {
        latest.current = options
    })
    const idle = useMemo(
        () => stateOf(client === null ? withoutClient(sessionId, userRole) : idleOf(sessionId, userRole), null),
        [client, sessionId, userRole]
    )
    const state = useSource<StreamViewerState>(
        // The engine is that of the render in which the stream became another: no key names a function.
        (client) => sourceOf(client, { sessionId, userId, userRole, generation }, options.engine, latest, idle),
        JSON.stringify([sessionId, userId, userRole, generation]),
        idle,
        (error) => ({ ...idle, phase: 'failed', error }),
        client
    )
    const { viewer } = state
    useEffect(() => {
        if (viewer !== null && quality !== undefined && viewer.snapshot.streamQuality !== quality)
            viewer.setQuality(quality)
    }, [viewer, quality])
    return state
}

interface Watching {
    sessionId: string
    userId: string
    userRole: 'seller' | 'buyer'
    generation: number | undefined
}

function sourceOf(
    client: StreamClient,
    { sessionId, userId, userRole, generation }: Watching,
    engine: StreamViewerOptions['engine'],
    latest: { readonly current: UseStreamViewerOptions },
    idle: StreamViewerState
): Source<StreamViewerState> {
    let held: HeldViewer | null = null
    let connectionState: ConnectionState = ConnectionState.DISCONNECTED
    const read = remembered(
        () => [held?.shown.viewer.snapshot, held?.shown] as const,
        (snapshot, shown) => (snapshot && shown ? stateOf(snapshot, shown) : idle)
    )
    const tell = (snapshot: StreamViewerSnapshot) => {
        if (snapshot.connectionState === connectionState) return
        connectionState = snapshot.connectionState
        latest.current.onConnectionStateChange?.(connectionState)
    }
    return {
        hold(onChange) {
            const { quality } = latest.current
            const share = holdOrTell(client, latest, {
                sessionId,
                userId,
                userRole,
                engine,
                ...(quality !== undefined && { quality }),
                ...(generation !== undefined && { generation }),
            })
            held = share
            const { viewer } = share.shown
            const ends = [
                viewer.on('change', (snapshot) => {
                    onChange()
                    tell(snapshot)
                }),
                viewer.on('error', (error) => latest.current.onError?.(error)),
            ]
            tell(viewer.snapshot)
            return () => {
                for (const end of ends) end()
                share.release()
            }
        },
        read,
    }
}

function holdOrTell(
    client: StreamClient,
    latest: { readonly current: UseStreamViewerOptions },
    options: StreamViewerOptions
): HeldViewer {
    try {
        return holdViewer(client, options)
    } catch (thrown) {
        latest.current.onError?.(thrown as StreamError)
        throw thrown
    }
}

function stateOf(snapshot: StreamViewerSnapshot, shown: ShownViewer | null): StreamViewerState {
    return {
        ...snapshot,
        viewer: shown?.viewer ?? null,
        attach: shown?.attach ?? nothing,
        detach: shown?.detach ?? nothing,
    }
}

function nothing(): void {}

function idleOf(sessionId: string, userRole: 'seller' | 'buyer'): StreamViewerSnapshot {
    return {
        sessionId,
        userRole,
        phase: 'idle',
        connectionState: ConnectionState.DISCONNECTED,
        streamState: null,
        videoEnabled: false,
        audioEnabled: false,
        streamQuality: StreamQuality.AUTO,
        layer: null,
        error: null,
        hostUid: null,
        size: null,
        quality: null,
        hostQuality: null,
        audioBlocked: false,
        audioRoute: 'default',
        recovering: null,
        firstFrameMs: null,
        reconnectDeadline: null,
    }
}

/** A screen that waits for ever would hide the mistake. */
function withoutClient(sessionId: string, userRole: 'seller' | 'buyer'): StreamViewerSnapshot {
    const error = new StreamError('disposed', 'there is no client: give `client` or a StreamProvider')
    return { ...idleOf(sessionId, userRole), phase: 'failed', error }
}
