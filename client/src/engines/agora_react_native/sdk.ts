/**
 * What the engine needs of react-native-agora 4.6, as a structure: the module exists on devices alone, so it is handed in
 * and never imported. Its enumerations are numbers here. tests/engines/sdk_types.test.ts compares it with the real types.
 */

export interface AgoraConnection {
    channelId?: string
    localUid?: number
}

export interface AgoraRtcStats {
    rxKBitRate?: number
    txKBitRate?: number
    rxPacketLossRate?: number
    txPacketLossRate?: number
}

export interface AgoraRemoteVideoStats {
    uid?: number
    rendererOutputFrameRate?: number
}

/** The callbacks that the engine listens to. */
export interface AgoraEventHandler {
    onJoinChannelSuccess(connection: AgoraConnection, elapsed: number): void
    onRejoinChannelSuccess(connection: AgoraConnection, elapsed: number): void
    onLeaveChannel(connection: AgoraConnection, stats: AgoraRtcStats): void
    onConnectionStateChanged(connection: AgoraConnection, state: number, reason: number): void
    onConnectionLost(connection: AgoraConnection): void
    onUserJoined(connection: AgoraConnection, remoteUid: number, elapsed: number): void
    onUserOffline(connection: AgoraConnection, remoteUid: number, reason: number): void
    onFirstRemoteVideoFrame(
        connection: AgoraConnection,
        remoteUid: number,
        width: number,
        height: number,
        elapsed: number
    ): void
    onFirstLocalVideoFrame(source: number, width: number, height: number, elapsed: number): void
    onRemoteVideoStateChanged(
        connection: AgoraConnection,
        remoteUid: number,
        state: number,
        reason: number,
        elapsed: number
    ): void
    onRemoteAudioStateChanged(
        connection: AgoraConnection,
        remoteUid: number,
        state: number,
        reason: number,
        elapsed: number
    ): void
    onRemoteSubscribeFallbackToAudioOnly(uid: number, isFallbackOrRecover: boolean): void
    onVideoSizeChanged(
        connection: AgoraConnection,
        source: number,
        uid: number,
        width: number,
        height: number,
        rotation: number
    ): void
    onTokenPrivilegeWillExpire(connection: AgoraConnection, token: string): void
    onRequestToken(connection: AgoraConnection): void
    onRenewTokenResult(connection: AgoraConnection, token: string, code: number): void
    onNetworkQuality(connection: AgoraConnection, remoteUid: number, txQuality: number, rxQuality: number): void
    onRtcStats(connection: AgoraConnection, stats: AgoraRtcStats): void
    onRemoteVideoStats(connection: AgoraConnection, stats: AgoraRemoteVideoStats): void
    onLocalVideoStateChanged(source: number, state: number, reason: number): void
    onLocalAudioStateChanged(connection: AgoraConnection, state: number, reason: number): void
    onPermissionError(permission: number): void
    onError(code: number, message: string): void
}

export interface AgoraMediaOptions {
    token?: string
    channelProfile?: number
    clientRoleType?: number
    audienceLatencyLevel?: number
    autoSubscribeAudio?: boolean
    autoSubscribeVideo?: boolean
    publishCameraTrack?: boolean
    publishMicrophoneTrack?: boolean
}

/** `IRtcEngine`. Methods return 0, or a negative code. */
export interface AgoraRtcEngine {
    initialize(context: { appId: string; channelProfile: number }): number
    release(sync?: boolean): void
    registerEventHandler(handler: AgoraEventHandler): boolean
    unregisterEventHandler(handler: AgoraEventHandler): boolean
    enableVideo(): number
    joinChannel(token: string, channelId: string, uid: number, options: AgoraMediaOptions): number
    leaveChannel(): number
    updateChannelMediaOptions(options: AgoraMediaOptions): number
    renewToken(token: string): number
    muteRemoteVideoStream(uid: number, mute: boolean): number
    muteRemoteAudioStream(uid: number, mute: boolean): number
    adjustUserPlaybackSignalVolume(uid: number, volume: number): number
    setRemoteVideoStreamType(uid: number, streamType: number): number
    setRemoteSubscribeFallbackOption(option: number): number
    setDualStreamMode(mode: number): number
    setEnableSpeakerphone(speakerOn: boolean): number
    setDefaultAudioRouteToSpeakerphone(defaultToSpeaker: boolean): number
    startPreview(): number
    stopPreview(): number
    enableLocalVideo(enabled: boolean): number
    enableLocalAudio(enabled: boolean): number
    switchCamera(): number
}

/** The module `react-native-agora`. */
export interface AgoraReactNativeSdk {
    createAgoraRtcEngine(): AgoraRtcEngine
}
