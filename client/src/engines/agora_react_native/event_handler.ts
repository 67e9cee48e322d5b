/** What react-native-agora tells, as events of an engine. */

import type { VideoEngineEvents } from '../../viewer/video_engine.ts'
import { VideoEngineError } from '../engine_error.ts'
import type { AgoraQuality } from './agora_quality.ts'
import type { DrawnFrames } from './drawn_frames.ts'
import { cameraOf, microphoneOf, reasonOfRenewal, remoteVideoOf } from './reasons.ts'
import type { AgoraEventHandler } from './sdk.ts'

const OWN_UID = 0
/** `VideoSourceType`: the camera, and no screen that is shared. */
const CAMERA = 0

/** The engine, as far as the SDK's word changes it. */
export interface ToldEngine {
    readonly quality: AgoraQuality
    readonly frames: DrawnFrames
    emit<Name extends keyof VideoEngineEvents>(name: Name, event: VideoEngineEvents[Name]): void
    isHost(): boolean
    joined(): void
    left(): void
    connection(state: number, reason: number): void
    renewed(error: Error | null): void
    error(code: number): void
}

export function handlerOf(engine: ToldEngine): AgoraEventHandler {
    const emit: ToldEngine['emit'] = (name, event) => engine.emit(name, event)
    return {
        onJoinChannelSuccess: () => engine.joined(),
        onRejoinChannelSuccess: () => emit('connection', { state: 'connected', reason: 'rejoined' }),
        onLeaveChannel: () => engine.left(),
        onConnectionStateChanged: (_, state, reason) => engine.connection(state, reason),
        onConnectionLost: () => emit('connection', { state: 'reconnecting', reason: 'lost' }),
        onUserJoined: (_, uid) => emit('remoteJoined', { uid }),
        onUserOffline: (_, uid) => {
            engine.frames.forget(uid)
            emit('remoteVideo', { uid, state: 'stopped', reason: 'left' })
            emit('remoteLeft', { uid })
        },
        onFirstRemoteVideoFrame: (_, uid, width, height) => {
            emit('size', { uid, width, height })
            emit('frame', { uid })
        },
        onFirstLocalVideoFrame: (source, width, height) => {
            if (source !== CAMERA) return
            emit('size', { uid: OWN_UID, width, height })
            emit('frame', { uid: OWN_UID })
        },
        onRemoteVideoStateChanged: (_, uid, state, reason) => {
            const event = remoteVideoOf(state, reason)
            if (event !== null) emit('remoteVideo', { uid, ...event })
        },
        onRemoteAudioStateChanged: (_, uid, state, reason) => {
            // Of what this device mutes itself nothing is told.
            if (reason !== 3 && reason !== 4) emit('remoteAudio', { uid, isOn: state === 1 || state === 2 })
        },
        onRemoteSubscribeFallbackToAudioOnly: (uid, isFallback) => {
            if (isFallback) emit('remoteVideo', { uid, state: 'stopped', reason: 'fallback' })
            else emit('remoteVideo', { uid, state: 'decoding', reason: 'recovered' })
        },
        onVideoSizeChanged: (_, source, uid, width, height, rotation) => {
            if (uid === OWN_UID && source !== CAMERA) return
            // As drawn: a picture that is turned by a quarter has its sides exchanged.
            const isTurned = rotation % 180 !== 0
            emit('size', { uid, width: isTurned ? height : width, height: isTurned ? width : height })
        },
        onTokenPrivilegeWillExpire: () => emit('tokenWillExpire', undefined),
        onRequestToken: () => emit('tokenExpired', undefined),
        onRenewTokenResult: (_, _token, code) => {
            const reason = reasonOfRenewal(code)
            const message = `the renewal failed with ${code}`
            engine.renewed(reason === null ? null : new VideoEngineError(message, { reason, code }))
        },
        onNetworkQuality: (_, uid, tx, rx) => {
            if (uid === OWN_UID) engine.quality.network(tx, rx)
        },
        onRtcStats: (_, stats) => engine.quality.stats(stats, engine.isHost()),
        onRemoteVideoStats: (_, { uid, rendererOutputFrameRate }) => {
            if (uid !== undefined) engine.frames.report(uid, rendererOutputFrameRate ?? 0)
        },
        onLocalVideoStateChanged: (source, state, reason) => {
            const camera = source === CAMERA ? cameraOf(state, reason) : null
            if (camera !== null) emit('local', { source: 'camera', state: camera })
        },
        onLocalAudioStateChanged: (_, state, reason) => {
            const microphone = microphoneOf(state, reason)
            if (microphone !== null) emit('local', { source: 'microphone', state: microphone })
        },
        onPermissionError: (permission) => {
            if (permission <= 1) emit('local', { source: permission === 0 ? 'microphone' : 'camera', state: 'denied' })
        },
        onError: (code) => engine.error(code),
    }
}
