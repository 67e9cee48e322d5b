/** The types of both SDKs against what the engines suppose: mostly checked by the compiler, against the real packages. */

import type { IAgoraRTC } from 'agora-rtc-sdk-ng'
import type * as Agora from 'react-native-agora'
import { expect, test } from 'vitest'
import type {
    AgoraEventHandler,
    AgoraReactNativeSdk,
    AgoraRtcEngine,
} from '../../src/engines/agora_react_native/sdk.ts'
import type { AgoraWebOptions } from '../../src/engines/agora_web/options.ts'

/** The modules as an app hands them in. */
const native = (sdk: typeof Agora): AgoraReactNativeSdk => sdk
const web = (AgoraRTC: IAgoraRTC): AgoraWebOptions => ({ AgoraRTC, appId: '' })

/** Names that the SDK does not have: a callback of such a name would never be called. */
type UnknownCallback = Exclude<keyof AgoraEventHandler, keyof Agora.IRtcEngineEventHandler>
type UnknownMethod = Exclude<keyof AgoraRtcEngine, keyof Agora.IRtcEngine>
type None<T extends never> = T

/** Every number that the engine takes for a word. */
interface Numbers {
    disconnected: Agora.ConnectionStateType.ConnectionStateDisconnected
    failed: Agora.ConnectionStateType.ConnectionStateFailed
    banned: Agora.ConnectionChangedReasonType.ConnectionChangedBannedByServer
    invalidToken: Agora.ConnectionChangedReasonType.ConnectionChangedInvalidToken
    tokenExpired: Agora.ConnectionChangedReasonType.ConnectionChangedTokenExpired
    sameUid: Agora.ConnectionChangedReasonType.ConnectionChangedSameUidLogin
    frozen: Agora.RemoteVideoState.RemoteVideoStateFrozen
    remoteMuted: Agora.RemoteVideoStateReason.RemoteVideoStateReasonRemoteMuted
    localMuted: Agora.RemoteVideoStateReason.RemoteVideoStateReasonLocalMuted
    inBackground: Agora.RemoteVideoStateReason.RemoteVideoStateReasonSdkInBackground
    codec: Agora.RemoteVideoStateReason.RemoteVideoStateReasonCodecNotSupport
    noPermission: Agora.LocalVideoStreamReason.LocalVideoStreamReasonDeviceNoPermission
    captureInBackground: Agora.LocalVideoStreamReason.LocalVideoStreamReasonCaptureInbackground
    severalApps: Agora.LocalVideoStreamReason.LocalVideoStreamReasonCaptureMultipleForegroundApps
    deviceInterrupt: Agora.LocalVideoStreamReason.LocalVideoStreamReasonDeviceInterrupt
    soundInterrupted: Agora.LocalAudioStreamReason.LocalAudioStreamReasonInterrupted
    renewalExpired: Agora.RenewTokenErrorCode.RenewTokenTokenExpired
    renewalOvertaken: Agora.RenewTokenErrorCode.RenewTokenCanceledByNewRequest
    lowStream: Agora.VideoStreamType.VideoStreamLow
    dualStream: Agora.SimulcastStreamMode.EnableSimulcastStream
    toAudio: Agora.StreamFallbackOptions.StreamFallbackOptionAudioOnly
    broadcaster: Agora.ClientRoleType.ClientRoleBroadcaster
    audience: Agora.ClientRoleType.ClientRoleAudience
    live: Agora.ChannelProfileType.ChannelProfileLiveBroadcasting
    camera: Agora.PermissionType.Camera
    tokenError: Agora.ErrorCodeType.ErrInvalidToken
}

const NUMBERS: Numbers = {
    disconnected: 1,
    failed: 5,
    banned: 3,
    invalidToken: 8,
    tokenExpired: 9,
    sameUid: 19,
    frozen: 3,
    remoteMuted: 5,
    localMuted: 3,
    inBackground: 12,
    codec: 13,
    noPermission: 2,
    captureInBackground: 6,
    severalApps: 7,
    deviceInterrupt: 14,
    soundInterrupted: 8,
    renewalExpired: 2,
    renewalOvertaken: 6,
    lowStream: 1,
    dualStream: 1,
    toAudio: 2,
    broadcaster: 1,
    audience: 2,
    live: 1,
    camera: 1,
    tokenError: 110,
}

test('the engines take the real modules, and name nothing that these lack', () => {
    const none: [None<UnknownCallback>?, None<UnknownMethod>?] = []
    expect([native, web, none, Object.keys(NUMBERS).length]).toEqual([native, web, [], 26])
})
