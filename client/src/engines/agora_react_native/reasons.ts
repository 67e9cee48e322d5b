/** The SDK's numbers in the words of the viewer. */

import type {
    RemoteVideoReason,
    RemoteVideoState,
    VideoConnectionReason,
    VideoConnectionState,
    VideoEngineEvents,
} from '../../viewer/video_engine.ts'

/** ConnectionStateType, from 1. */
const CONNECTION_STATES: Record<number, VideoConnectionState> = {
    1: 'disconnected',
    2: 'connecting',
    3: 'connected',
    4: 'reconnecting',
    5: 'failed',
}

/** ConnectionChangedReasonType. */
const CONNECTION_REASONS: Record<number, VideoConnectionReason> = {
    0: 'joining',
    1: 'joined',
    2: 'interrupted',
    3: 'banned',
    4: 'join_failed',
    5: 'left',
    // A wrong App ID or channel name is asked for again in vain, but so is what the token was made for.
    6: 'refused',
    7: 'refused',
    8: 'token_invalid',
    9: 'token_expired',
    10: 'refused',
    11: 'interrupted',
    // The renewal itself; its outcome comes as onRenewTokenResult.
    12: 'rejoined',
    13: 'interrupted',
    14: 'interrupted',
    15: 'rejoined',
    16: 'lost',
    17: 'refused',
    18: 'interrupted',
    19: 'taken_over',
    20: 'refused',
    24: 'token_invalid',
}

export function connectionOf(state: number, reason: number): VideoEngineEvents['connection'] {
    return { state: CONNECTION_STATES[state] ?? 'failed', reason: CONNECTION_REASONS[reason] ?? 'error' }
}

/** RemoteVideoState, from 0. */
const VIDEO_STATES: readonly RemoteVideoState[] = ['stopped', 'starting', 'decoding', 'frozen', 'failed']

/** RemoteVideoStateReason. */
const VIDEO_REASONS: Record<number, RemoteVideoReason> = {
    1: 'congestion',
    2: 'recovered',
    5: 'muted',
    6: 'unmuted',
    7: 'left',
    8: 'fallback',
    9: 'recovered',
    12: 'background',
    13: 'codec',
}

/** Null for what this device did itself: it stopped to receive, or began. */
export function remoteVideoOf(state: number, reason: number): Omit<VideoEngineEvents['remoteVideo'], 'uid'> | null {
    const LOCAL_MUTED = 3
    if (reason === LOCAL_MUTED) return null
    return { state: VIDEO_STATES[state] ?? 'failed', reason: VIDEO_REASONS[reason] ?? 'unknown' }
}

/** What an error of a call, or of joining, says of the connection. */
export function reasonOfCode(code: number): VideoConnectionReason {
    switch (Math.abs(code)) {
        case 109:
            return 'token_expired'
        case 110:
            return 'token_invalid'
        case 123:
            return 'banned'
        // Already in a channel, or joining one.
        case 17:
            return 'join_failed'
        case 101:
        case 102:
        case 121:
        case 134:
            return 'refused'
        default:
            return 'error'
    }
}

/** RenewTokenErrorCode: null where the token is taken, or a newer one took its place. */
export function reasonOfRenewal(code: number): VideoConnectionReason | null {
    switch (code) {
        case 0:
        case 6:
            return null
        case 2:
            return 'token_expired'
        case 3:
        case 4:
        case 5:
            return 'token_invalid'
        default:
            return 'error'
    }
}

type LocalState = VideoEngineEvents['local']['state']

/** LocalVideoStreamState and LocalVideoStreamReason; null for what says nothing new. */
export function cameraOf(state: number, reason: number): LocalState | null {
    // Another app, iOS in the background, split view, the system: the camera comes back by itself.
    if ([3, 6, 7, 14].includes(reason)) return 'interrupted'
    if (reason === 2) return 'denied'
    if (state === 3) return 'failed'
    // Of the states 1 and 2, capturing and encoding, the first already says it.
    return state === 0 ? 'off' : state === 1 ? 'live' : null
}

/** LocalAudioStreamState and LocalAudioStreamReason. */
export function microphoneOf(state: number, reason: number): LocalState | null {
    // In use by another app; taken by a call.
    if (reason === 3 || reason === 8) return 'interrupted'
    if (reason === 2) return 'denied'
    if (state === 3) return 'failed'
    return state === 0 ? 'off' : state === 1 ? 'live' : null
}
