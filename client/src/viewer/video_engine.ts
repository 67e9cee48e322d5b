/** What the viewer asks of whatever carries the video: one interface, an implementation for each SDK. */

import type { Unsubscribe } from '../emitter/emitter.ts'

/** Sellers publish, buyers only watch. */
export type VideoRole = 'host' | 'audience'

export interface VideoJoin {
    channelId: string
    /** The Agora token (or what the engine accepts in its place), made for exactly this channel and uid. */
    token: string
    uid: number
    role: VideoRole
    /** Aborts the join: the engine leaves, and the promise rejects at once. */
    signal: AbortSignal
}

/** High and low are the two layers of the sender's dual stream. */
export type VideoLayer = 'high' | 'low'

/** How a picture fills its view: all of it with bars, or the whole view with its edges cut. */
export type ObjectFit = 'contain' | 'cover'

export interface VideoViewOptions {
    objectFit: ObjectFit
    mirror: boolean
}

/** Where sound goes. Only phones have more than one place. */
export type AudioRoute = 'default' | 'speaker' | 'earpiece'

/** Which device stopped or refused. */
export type LocalSource = 'camera' | 'microphone'

export type PermissionAnswer = 'granted' | 'denied' | 'blocked'

export type VideoConnectionState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting' | 'failed'

/**
 * Why the engine's connection is in its state. `token_expired` and `token_invalid` ask for another token and a new join;
 * `taken_over` (the same uid elsewhere) and `banned` are final; `join_failed` wants leave, then join; all else the SDK
 * repairs by itself.
 */
export type VideoConnectionReason =
    | 'joining'
    | 'joined'
    | 'interrupted'
    | 'lost'
    | 'rejoined'
    | 'left'
    | 'token_expired'
    | 'token_invalid'
    | 'join_failed'
    | 'taken_over'
    | 'banned'
    | 'refused'
    | 'error'

/** What a remote sender's video does, as the SDK sees it. */
export type RemoteVideoState = 'starting' | 'decoding' | 'frozen' | 'stopped' | 'failed'

/** `muted`: the sender switched the camera off. `left`: the sender is gone. `fallback`: the network allows sound alone. */
export type RemoteVideoReason =
    | 'unknown'
    | 'congestion'
    | 'recovered'
    | 'muted'
    | 'unmuted'
    | 'left'
    | 'fallback'
    | 'background'
    | 'codec'

/** Measured by the SDK, about every two seconds. */
export interface VideoQuality {
    /** 1 excellent, 2 good, 3 poor, 4 bad, 5 very bad, 6 down; 0 unknown. Agora's scale. */
    uplink: number
    downlink: number
    /** Share of packets, 0 to 1. */
    packetLoss: number
    /** Kilobits a second of what this device receives (a host: sends). */
    bandwidth: number
}

export interface VideoEngineEvents {
    connection: { state: VideoConnectionState; reason: VideoConnectionReason }
    /** A sender is in the channel. The viewer decides whether it is the host. */
    remoteJoined: { uid: number }
    remoteLeft: { uid: number }
    remoteVideo: { uid: number; state: RemoteVideoState; reason: RemoteVideoReason }
    /** Whether the sender's sound comes. */
    remoteAudio: { uid: number; isOn: boolean }
    /** A picture was drawn in the view of this sender: the first one, or each, as the engine can tell. uid 0: the own preview. */
    frame: { uid: number }
    /** The picture's size changed, as when the sender's phone is turned; pixels as drawn. */
    size: { uid: number; width: number; height: number }
    tokenWillExpire: undefined
    tokenExpired: undefined
    quality: VideoQuality
    /** The own camera or microphone stopped, was taken (a call), came back, or is refused. */
    local: { source: LocalSource; state: 'live' | 'off' | 'interrupted' | 'denied' | 'failed' }
    /** The page must be touched before sound may play (browsers). */
    audioBlocked: { isBlocked: boolean }
}

/** What the engine can measure or do; the viewer asks nothing else of it. */
export interface VideoEngineCapabilities {
    /** `frame` is told for each picture; otherwise only for the first after a subscription. */
    readonly eachFrame: boolean
    /** `brightness()` reads pixels. */
    readonly pixels: boolean
    readonly layers: boolean
    readonly audioRoutes: boolean
    /** Whether views are DOM elements, which have a size and a visibility that `isViewVisible` tells. */
    readonly viewVisibility: boolean
}

/**
 * One channel at a time. No method but `join` and `publish` waits for the network; calls after `dispose` do nothing. A
 * view is whatever the platform draws in: a DOM element on the web, a `uid` handed to a native view on React Native.
 */
export interface VideoEngine<View = unknown> {
    readonly name: string
    readonly capabilities: VideoEngineCapabilities

    on<Name extends keyof VideoEngineEvents>(
        name: Name,
        listener: (event: VideoEngineEvents[Name]) => void
    ): Unsubscribe

    /**
     * Resolves once this engine may use what engines of its kind share, at once where it is left out. It may take as long as
     * another viewer is on: no other call is made before, and no time is counted.
     */
    whenFree?(signal: AbortSignal): Promise<void>
    /**
     * Joins the channel; resolves once connected. It may never settle (Agora's does not without a network): the viewer
     * owns the time and aborts the signal.
     */
    join(join: VideoJoin): Promise<void>
    /** Leaves the channel and cancels a join under way. */
    leave(): Promise<void>
    /** Takes a new token without leaving. Rejects where the SDK says that it does not serve. */
    renewToken(token: string): Promise<void>

    /** Receives a sender, or no longer. */
    subscribe(uid: number): Promise<void>
    unsubscribe(uid: number): Promise<void>
    /** Draws a sender (0: the own preview) in a view; null takes it out of every view. */
    setView(uid: number, view: View | null, options: VideoViewOptions): void
    /** Whether the view of a sender has a size and is shown; null where the engine cannot tell. */
    isViewVisible(uid: number): boolean | null
    /** Mean luma of the picture now drawn, 0 to 1; null where there is none or the engine cannot read it. */
    brightness(uid: number): number | null
    setLayer(uid: number, layer: VideoLayer): Promise<void>
    /** The sender's sound: 0 silent, 1 as sent. */
    setVolume(uid: number, volume: number): void
    setAudioRoute(route: AudioRoute): Promise<void>
    /** Starts sound after `audioBlocked`; called from a touch. */
    resumeAudio(): Promise<void>

    /** Asks for camera and microphone, where the platform does. */
    requestPermissions(): Promise<Record<LocalSource, PermissionAnswer>>
    /** Opens camera and microphone and shows them to their owner alone. */
    startPreview(): Promise<void>
    stopPreview(): Promise<void>
    /** Sends camera and microphone to the channel that was joined as host; both layers. */
    publish(): Promise<void>
    unpublish(): Promise<void>
    /** Frames stop or go on; the device is let go of while off. */
    setCamera(isOn: boolean): Promise<void>
    setMicrophone(isOn: boolean): Promise<void>
    switchCamera(): Promise<void>

    /** Lets go of everything: channel, devices, views, timers. */
    dispose(): Promise<void>
}

/** Makes an engine; the last rung of recovery asks for a new one. */
export type VideoEngineFactory<View = unknown> = () => VideoEngine<View>
