/** Video by react-native-agora 4.6, whose module is handed in. */

import { type Clock, systemClock } from '../../clock/clock.ts'
import { NativeViews } from '../../viewer/native_views.ts'
import type {
    AudioRoute,
    LocalSource,
    PermissionAnswer,
    VideoConnectionReason,
    VideoEngine,
    VideoEngineCapabilities,
    VideoEngineFactory,
    VideoJoin,
    VideoLayer,
    VideoViewOptions,
} from '../../viewer/video_engine.ts'
import { EngineBase } from '../engine_base.ts'
import { aborted, VideoEngineError } from '../engine_error.ts'
import { AgoraQuality } from './agora_quality.ts'
import { joinOptions, LIVE_BROADCASTING } from './channel_options.ts'
import { check } from './check.ts'
import { DrawnFrames } from './drawn_frames.ts'
import { handlerOf } from './event_handler.ts'
import type { AgoraReactNativeOptions } from './options.ts'
import { connectionOf, reasonOfCode } from './reasons.ts'
import { Renewal } from './renewal.ts'
import type { AgoraEventHandler, AgoraRtcEngine } from './sdk.ts'
import { type Turn, takeTurn, whenBegun } from './turns.ts'

/** Both streams always: an audience cannot make the automatic mode begin the low one. */
const DUAL_STREAM = 1
/** First the low stream, then sound alone. */
const FALLBACK_TO_AUDIO = 2
const STREAM_TYPES: Record<VideoLayer, number> = { high: 0, low: 1 }
const FULL_VOLUME = 100
/** A leave that is never confirmed does not keep the next join from its turn. */
const LEAVE_WITHIN_MS = 2_000

/** A view draws by its uid, so the engine draws nothing itself. */
export class AgoraReactNativeEngine extends EngineBase implements VideoEngine {
    readonly name: string = 'react-native-agora'
    readonly capabilities: VideoEngineCapabilities = {
        eachFrame: false,
        pixels: false,
        layers: true,
        audioRoutes: true,
        viewVisibility: false,
    }
    readonly #options: AgoraReactNativeOptions
    readonly #clock: Clock
    readonly #views = new NativeViews()
    readonly #quality: AgoraQuality
    readonly #renewal: Renewal
    readonly #handler: AgoraEventHandler
    readonly #frames: DrawnFrames
    #turn: Turn | null = null
    /** Null unless it is this engine's turn. */
    #rtc: AgoraRtcEngine | null = null
    #role: VideoJoin['role'] | null = null
    /** The join under way: the SDK must never see a second one. */
    #join: { resolve(): void; reject(error: Error): void } | null = null
    #leaving: Promise<void> | null = null
    #left: (() => void) | null = null
    readonly #wanted: Record<LocalSource, boolean> = { camera: true, microphone: true }
    #isPreviewing = false

    constructor(options: AgoraReactNativeOptions) {
        super()
        this.#options = options
        this.#clock = options.clock ?? systemClock
        this.#renewal = new Renewal(this.#clock)
        this.#quality = new AgoraQuality((quality) => this.events.emit('quality', quality))
        this.#frames = new DrawnFrames((name, event) => this.events.emit(name, event))
        this.#handler = handlerOf({
            quality: this.#quality,
            frames: this.#frames,
            emit: (name, event) => this.events.emit(name, event),
            isHost: () => this.#role === 'host',
            joined: () => this.#settleJoin(null),
            left: () => this.#left?.(),
            connection: (state, reason) => this.#connection(state, reason),
            renewed: (error) => this.#renewal.settle(error),
            error: (code) => this.#error(code),
        })
    }

    /** Waits for its turn: the module has one engine for all, which another viewer may still hold. */
    async whenFree(signal: AbortSignal): Promise<void> {
        if (this.isDisposed || this.#rtc !== null) return
        this.#turn ??= takeTurn(this.#options.agora)
        await whenBegun(this.#turn, signal)
        if (signal.aborted) throw aborted()
    }

    protected async enter({ channelId, token, uid, role, signal }: VideoJoin): Promise<void> {
        const rtc = await this.#open(signal)
        const isHost = role === 'host'
        if (isHost) check(rtc.setDualStreamMode(DUAL_STREAM), 'setDualStreamMode')
        this.#role = role
        const joined = new Promise<void>((resolve, reject) => {
            this.#join = { resolve, reject }
        })
        const code = rtc.joinChannel(token, channelId, uid, joinOptions(role))
        if (code < 0) this.#fail(reasonOfCode(code), code)
        await joined
    }

    /** Resolves once the SDK has left, so that a join after it is the only one. */
    async leave(): Promise<void> {
        this.#settleJoin(aborted())
        this.#renewal.settle(null)
        if (this.#rtc === null || this.#role === null) return this.#leaving ?? undefined
        this.#role = null
        this.#quality.reset()
        this.#frames.reset()
        this.#leaving = new Promise((resolve) => {
            const cancel = this.#clock.after(LEAVE_WITHIN_MS, () => this.#left?.())
            this.#left = () => {
                cancel()
                this.#left = null
                this.#leaving = null
                resolve()
            }
        })
        if (this.#rtc.leaveChannel() < 0) this.#left?.()
        await this.#leaving
    }

    renewToken(token: string): Promise<void> {
        const rtc = this.#rtc
        if (rtc === null || this.#role === null) return Promise.resolve()
        return this.#renewal.start(rtc, token)
    }

    async subscribe(uid: number): Promise<void> {
        this.#rtc?.muteRemoteAudioStream(uid, false)
        check(this.#rtc?.muteRemoteVideoStream(uid, false), 'muteRemoteVideoStream')
    }

    async unsubscribe(uid: number): Promise<void> {
        this.#frames.forget(uid)
        this.#rtc?.muteRemoteAudioStream(uid, true)
        this.#rtc?.muteRemoteVideoStream(uid, true)
    }

    /** The component draws by the uid; it is told when its native view has to be another. */
    setView(uid: number, view: unknown, _options: VideoViewOptions): void {
        this.#views.set(uid, view)
    }

    isViewVisible(_uid: number): boolean | null {
        return null
    }

    brightness(_uid: number): number | null {
        return null
    }

    async setLayer(uid: number, layer: VideoLayer): Promise<void> {
        check(this.#rtc?.setRemoteVideoStreamType(uid, STREAM_TYPES[layer]), 'setRemoteVideoStreamType')
    }

    setVolume(uid: number, volume: number): void {
        this.#rtc?.adjustUserPlaybackSignalVolume(uid, Math.round(Math.min(1, Math.max(0, volume)) * FULL_VOLUME))
    }

    async setAudioRoute(route: AudioRoute): Promise<void> {
        if (this.isDisposed) return
        const rtc = await this.#open()
        // A loudspeaker is where a stream is heard unless something is plugged in.
        if (route === 'default')
            check(rtc.setDefaultAudioRouteToSpeakerphone(true), 'setDefaultAudioRouteToSpeakerphone')
        // Before a join there is no route that could be changed: the SDK says -3, and the default decides.
        else if (this.#role === null) rtc.setDefaultAudioRouteToSpeakerphone(route === 'speaker')
        else check(rtc.setEnableSpeakerphone(route === 'speaker'), 'setEnableSpeakerphone')
    }

    async resumeAudio(): Promise<void> {}

    async requestPermissions(): Promise<Record<LocalSource, PermissionAnswer>> {
        return (await this.#options.permissions?.()) ?? { camera: 'granted', microphone: 'granted' }
    }

    async startPreview(): Promise<void> {
        if (this.isDisposed) return
        const rtc = await this.#open()
        this.#isPreviewing = true
        if (this.#wanted.camera) this.#showCamera(rtc)
    }

    async stopPreview(): Promise<void> {
        if (!this.#isPreviewing) return
        this.#isPreviewing = false
        this.#rtc?.stopPreview()
    }

    async publish(): Promise<void> {
        if (this.isDisposed) return
        if (this.#role !== 'host') throw new VideoEngineError('only a host publishes', { reason: 'refused' })
        const options = { publishCameraTrack: true, publishMicrophoneTrack: true }
        check(this.#rtc?.updateChannelMediaOptions(options), 'updateChannelMediaOptions')
    }

    async unpublish(): Promise<void> {
        if (this.#role !== 'host') return
        this.#rtc?.updateChannelMediaOptions({ publishCameraTrack: false, publishMicrophoneTrack: false })
    }

    /** Before the SDK's engine is made it is remembered alone: nothing is to be opened that shall stay off. */
    async setCamera(isOn: boolean): Promise<void> {
        this.#wanted.camera = isOn
        if (this.#rtc === null) return
        if (isOn && this.#isPreviewing) this.#showCamera(this.#rtc)
        else check(this.#rtc.enableLocalVideo(isOn), 'enableLocalVideo')
    }

    async setMicrophone(isOn: boolean): Promise<void> {
        this.#wanted.microphone = isOn
        check(this.#rtc?.enableLocalAudio(isOn), 'enableLocalAudio')
    }

    async switchCamera(): Promise<void> {
        check(this.#rtc?.switchCamera(), 'switchCamera')
    }

    async dispose(): Promise<void> {
        if (this.isDisposed) return
        this.isDisposed = true
        await this.stopPreview()
        try {
            await this.leave()
            this.#rtc?.unregisterEventHandler(this.#handler)
            this.#rtc?.release()
        } finally {
            this.#rtc = null
            this.#turn?.end()
            this.events.clear()
        }
    }

    #showCamera(rtc: AgoraRtcEngine): void {
        check(rtc.enableLocalVideo(true), 'enableLocalVideo')
        check(rtc.startPreview(), 'startPreview')
    }

    async #open(signal?: AbortSignal): Promise<AgoraRtcEngine> {
        if (this.#rtc !== null) return this.#rtc
        this.#turn ??= takeTurn(this.#options.agora)
        await whenBegun(this.#turn, signal)
        if (signal?.aborted || this.isDisposed) throw aborted()
        return this.#rtc ?? this.#initialize()
    }

    /** Video is enabled before any join: without it a join is one of sound alone. */
    #initialize(): AgoraRtcEngine {
        const rtc = this.#options.agora.createAgoraRtcEngine()
        check(rtc.initialize({ appId: this.#options.appId, channelProfile: LIVE_BROADCASTING }), 'initialize')
        this.#rtc = rtc
        rtc.registerEventHandler(this.#handler)
        check(rtc.enableVideo(), 'enableVideo')
        if (!this.#wanted.camera) check(rtc.enableLocalVideo(false), 'enableLocalVideo')
        if (!this.#wanted.microphone) check(rtc.enableLocalAudio(false), 'enableLocalAudio')
        rtc.setRemoteSubscribeFallbackOption(FALLBACK_TO_AUDIO)
        return rtc
    }

    #settleJoin(error: Error | null): void {
        const join = this.#join
        this.#join = null
        if (error === null) join?.resolve()
        else join?.reject(error)
    }

    /** A join that cannot succeed. The SDK may still believe itself in the channel: whoever joins next leaves first. */
    #fail(reason: VideoConnectionReason, code: number): void {
        this.#settleJoin(new VideoEngineError(`the join failed with ${code}`, { reason, code }))
    }

    #connection(state: number, reason: number): void {
        const event = connectionOf(state, reason)
        if (event.reason === 'left') this.#left?.()
        this.events.emit('connection', event)
        if (event.state === 'failed') this.#fail(event.reason, reason)
    }

    /** The codes 109 and 110 are told as reasons 9 and 8 too, by newer SDKs. */
    #error(code: number): void {
        const reason = reasonOfCode(code)
        if (reason === 'error' || this.#join === null) return
        this.events.emit('connection', { state: 'failed', reason })
        this.#fail(reason, code)
    }
}

/** A factory of engines over react-native-agora. */
export function agoraReactNativeEngine(options: AgoraReactNativeOptions): VideoEngineFactory {
    return () => new AgoraReactNativeEngine(options)
}
