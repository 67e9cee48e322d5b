/** The words of the stream viewer: its phases, what it shows, what it emits. */

import type { ConnectionState } from '../connection/connection_types.ts'
import type { StreamError } from '../error/stream_error.ts'
import type { StreamState } from '../stream/stream_types.ts'
import type { AudioRoute, VideoLayer, VideoQuality } from './video_engine.ts'

export const StreamQuality = {
    LOW: 'low',
    MEDIUM: 'medium',
    HIGH: 'high',
    AUTO: 'auto',
} as const
export type StreamQuality = (typeof StreamQuality)[keyof typeof StreamQuality]

/**
 * What a viewer does, one at a time. Whatever happens ends in one of them: a picture that is neither `playing` nor named
 * here does not exist. Buyers: `token` (asked for), `joining`, `first_frame` (joined, no picture yet), `playing`,
 * `frozen`, `camera_off` (the host's camera is off or black), `hidden` (the view has no size or is not shown),
 * `host_away` (no host in the channel), `reconnecting`, `paused`, `ended`, `failed`. Sellers: `permission_denied`,
 * `preview`, `publishing`, `camera_off`, `interrupted` (a call took the devices). Both: `taken_over` (another device
 * of the same user hosts, or watches).
 */
export type ViewerPhase =
    | 'idle'
    | 'token'
    | 'joining'
    | 'first_frame'
    | 'playing'
    | 'frozen'
    | 'camera_off'
    | 'hidden'
    | 'host_away'
    | 'reconnecting'
    | 'paused'
    | 'ended'
    | 'failed'
    | 'permission_denied'
    | 'preview'
    | 'publishing'
    | 'interrupted'
    | 'taken_over'

/** The rungs of recovery, from the gentlest; each is told when it is tried. */
export type RecoveryStep = 'reattach_view' | 'resubscribe' | 'new_token' | 'rejoin' | 'new_engine'

export type RecoveryCause =
    | 'no_first_frame'
    | 'frozen'
    | 'black'
    | 'join_timeout'
    | 'join_failed'
    | 'token_refused'
    | 'connection_failed'
    | 'engine_error'

export interface RecoveryEvent {
    step: RecoveryStep
    cause: RecoveryCause
    /** How many steps this trouble has taken, from 1. */
    attempt: number
}

/** The seed's state, and what a screen needs beside it. The same object until something changes. */
export interface StreamViewerSnapshot {
    readonly sessionId: string
    readonly userRole: 'seller' | 'buyer'
    readonly phase: ViewerPhase
    /** Of the connection to the stream (state, chat), not of the video. */
    readonly connectionState: ConnectionState
    /** The stream's own state; null until it is known. */
    readonly streamState: StreamState | null
    readonly videoEnabled: boolean
    readonly audioEnabled: boolean
    /** What was asked for. */
    readonly streamQuality: StreamQuality
    /** What is received now; null where nothing is, or the engine has one layer. */
    readonly layer: VideoLayer | null
    readonly error: StreamError | null
    /** The only uid that is drawn; null until it is known. */
    readonly hostUid: number | null
    /** Pixels of the picture; null before the first. A rotated phone changes it; the view stays. */
    readonly size: { readonly width: number; readonly height: number } | null
    /** Of this device; null before the first measurement. */
    readonly quality: VideoQuality | null
    /** How good the host's picture arrives; null where it is not known. */
    readonly hostQuality: 'excellent' | 'good' | 'fair' | 'poor' | null
    /** Sound waits for a touch: call `resumeAudio()` from it. */
    readonly audioBlocked: boolean
    readonly audioRoute: AudioRoute
    /** The rung that is being tried; null while nothing is wrong. */
    readonly recovering: RecoveryStep | null
    /** Milliseconds from mount to the first picture; null before it. */
    readonly firstFrameMs: number | null
    /** Until when a lost host may return; null where he is not awaited. */
    readonly reconnectDeadline: Date | null
}

export interface StreamViewerEvents {
    change: StreamViewerSnapshot
    phase: { phase: ViewerPhase; previous: ViewerPhase }
    recovery: RecoveryEvent
    firstFrame: { afterMs: number }
    /** Once for each trouble that the ladder did not mend, and for refusals. */
    error: StreamError
}
