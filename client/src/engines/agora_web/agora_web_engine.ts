/** Video by agora-rtc-sdk-ng 4.24, whose default export is handed in. */

import type { IAgoraRTCClient } from 'agora-rtc-sdk-ng'
import { type Cancel, type Clock, systemClock } from '../../clock/clock.ts'
import type { Unsubscribe } from '../../emitter/emitter.ts'
import type {
    AudioRoute,
    LocalSource,
    PermissionAnswer,
    VideoEngine,
    VideoEngineCapabilities,
    VideoEngineFactory,
    VideoJoin,
    VideoLayer,
    VideoViewOptions,
} from '../../viewer/video_engine.ts'
import { permissionsAfter } from '../dom/permissions.ts'
import { EngineBase } from '../engine_base.ts'
import { aborted, VideoEngineError } from '../engine_error.ts'
import { followClient } from './client_events.ts'
import { codeOf, LocalTracks } from './local_tracks.ts'
import type { AgoraWebOptions } from './options.ts'
import { qualityOf } from './quality.ts'
import { reasonOfCode } from './reasons.ts'
import { RemoteSenders } from './remote_senders.ts'
import { TrackView } from './track_views.ts'

const OWN_UID = 0
const QUALITY_EVERY_MS = 2_000
/** AudienceLatencyLevelType: ultra-low. */
const ULTRA_LOW_LATENCY = 2

export class AgoraWebEngine extends EngineBase implements VideoEngine<HTMLElement> {
    readonly name: string = 'agora-rtc-sdk-ng'
    readonly capabilities: VideoEngineCapabilities = {
        eachFrame: true,
        pixels: true,
        layers: true,
        audioRoutes: false,
        viewVisibility: true,
    }
    readonly #options: AgoraWebOptions
    readonly #clock: Clock
    #client: IAgoraRTCClient
    readonly #remote: RemoteSenders
    readonly #local: LocalTracks
    readonly #preview: TrackView
    readonly #ends: Unsubscribe[] = []
    #nextQuality: Cancel | null = null
    #role: VideoJoin['role'] | null = null
    /** Makes the join under way reject. */
    #cancelJoin: (() => void) | null = null
    #isAudioBlocked = false
    #isPreviewing = false
    #isPublishing = false

    constructor(options: AgoraWebOptions) {
        super()
        const { AgoraRTC, clock = systemClock } = options
        this.#options = options
        this.#clock = clock
        this.#client = this.#makeClient()
        this.#remote = new RemoteSenders(this.#client, this.events)
        this.#local = new LocalTracks(AgoraRTC)
        this.#preview = new TrackView({
            frame: () => this.events.emit('frame', { uid: OWN_UID }),
            size: (width, height) => this.events.emit('size', { uid: OWN_UID, width, height }),
        })
        this.#follow()
    }

    /** The SDK's join never settles without a network. */
    protected async enter(join: VideoJoin): Promise<void> {
        this.#role = join.role
        const end = new Promise<never>((_, reject) => {
            this.#cancelJoin = () => reject(aborted())
        })
        try {
            await Promise.race([this.#enter(join), end])
            this.#measure()
        } catch (cause) {
            throw cause instanceof VideoEngineError ? cause : this.#joinFailed(cause)
        } finally {
            this.#cancelJoin = null
        }
    }

    async leave(): Promise<void> {
        if (this.#role === null) return
        this.#forget()
        if (this.#cancelJoin === null) await this.#client.leave()
        else this.#abandon(this.#cancelJoin)
    }

    async renewToken(token: string): Promise<void> {
        if (this.#role === null) return
        try {
            await this.#client.renewToken(token)
        } catch (cause) {
            const [code, message] = [codeOf(cause), String(cause)]
            const known = reasonOfCode(code, message)
            const reason = known === 'error' ? 'token_invalid' : known
            throw new VideoEngineError(`the renewal failed: ${code}`, { reason, code, cause })
        }
    }

    async subscribe(uid: number): Promise<void> {
        if (!this.isDisposed) await this.#remote.subscribe(uid)
    }

    async unsubscribe(uid: number): Promise<void> {
        await this.#remote.unsubscribe(uid)
    }

    setView(uid: number, view: HTMLElement | null, options: VideoViewOptions): void {
        if (!this.isDisposed) this.#view(uid).setView(view, options)
    }

    isViewVisible(uid: number): boolean | null {
        return this.#view(uid).isVisible()
    }

    brightness(uid: number): number | null {
        return this.#view(uid).brightness()
    }

    async setLayer(uid: number, layer: VideoLayer): Promise<void> {
        await this.#remote.setLayer(uid, layer)
    }

    setVolume(uid: number, volume: number): void {
        this.#remote.setVolume(uid, volume)
    }

    async setAudioRoute(_route: AudioRoute): Promise<void> {}

    async resumeAudio(): Promise<void> {
        this.#options.AgoraRTC.resumeAudioContext()
        this.#remote.playAll()
        this.#setAudioBlocked(false)
    }

    async requestPermissions(): Promise<Record<LocalSource, PermissionAnswer>> {
        return permissionsAfter(() => this.#local.open())
    }

    async startPreview(): Promise<void> {
        if (this.isDisposed) return
        this.#isPreviewing = true
        await this.#local.open()
        this.#showPreview()
    }

    async stopPreview(): Promise<void> {
        this.#isPreviewing = false
        this.#showPreview()
        if (!this.#isPublishing) this.#local.close()
    }

    /** With the low stream from the beginning: viewers cannot ask a host for one that it does not send. */
    async publish(): Promise<void> {
        if (this.isDisposed) return
        if (this.#role !== 'host') throw new VideoEngineError('only a host publishes', { reason: 'refused' })
        await this.#local.open()
        // It may have left while the devices were opened.
        if (this.isDisposed || this.#role !== 'host') return
        await this.#client.enableDualStream().catch(() => {})
        await this.#local.publishTo(this.#client)
        this.#isPublishing = true
    }

    async unpublish(): Promise<void> {
        if (!this.#isPublishing) return
        this.#isPublishing = false
        await this.#client.unpublish()
    }

    setCamera(isOn: boolean): Promise<void> {
        return this.#setOn('camera', isOn)
    }

    setMicrophone(isOn: boolean): Promise<void> {
        return this.#setOn('microphone', isOn)
    }

    switchCamera(): Promise<void> {
        return this.#local.switchCamera()
    }

    async dispose(): Promise<void> {
        if (this.isDisposed) return
        this.isDisposed = true
        this.#preview.dispose()
        this.#remote.dispose()
        this.#local.close()
        for (const end of this.#ends.splice(0)) end()
        try {
            await this.leave()
        } finally {
            this.#client.removeAllListeners()
            this.events.clear()
        }
    }

    #forget(): void {
        this.#role = null
        this.#isPublishing = false
        this.#nextQuality?.()
        this.#nextQuality = null
        this.#remote.clear()
    }

    async #enter({ role, channelId, token, uid }: VideoJoin): Promise<void> {
        const client = this.#client
        if (role === 'host') await client.setClientRole('host')
        else await client.setClientRole('audience', { level: ULTRA_LOW_LATENCY })
        await client.join(this.#options.appId, channelId, token, uid)
    }

    /**
     * Calls a join off. Its client leaves whenever it can: until then it takes no other join, and where it is left at the
     * very beginning of one it does not settle either. Another client takes its place.
     */
    #abandon(cancelJoin: () => void): void {
        this.#cancelJoin = null
        const client = this.#client
        client.removeAllListeners()
        client.leave().catch(() => {})
        this.#client = this.#makeClient()
        this.#remote.replace(this.#client)
        this.events.emit('connection', { state: 'disconnected', reason: 'left' })
        cancelJoin()
    }

    #makeClient(): IAgoraRTCClient {
        const { AgoraRTC, codec = 'vp8' } = this.#options
        const client = AgoraRTC.createClient({ mode: 'live', codec })
        followClient(client, this.events, () => this.#role !== null)
        return client
    }

    #view(uid: number): TrackView {
        return uid === OWN_UID ? this.#preview : this.#remote.view(uid)
    }

    /** A track that was off when it was published is published once it is on. */
    async #setOn(source: LocalSource, isOn: boolean): Promise<void> {
        if (this.isDisposed) return
        await this.#local.setOn(source, isOn)
        this.#showPreview()
        if (isOn && this.#isPublishing) await this.#local.publishTo(this.#client)
    }

    #showPreview(): void {
        this.#preview.setTrack(this.#isPreviewing && !this.isDisposed ? this.#local.camera : null)
    }

    #joinFailed(cause: unknown): VideoEngineError {
        const code = codeOf(cause)
        if (code === 'OPERATION_ABORTED') return aborted()
        const reason = reasonOfCode(code, String(cause))
        this.events.emit('connection', { state: 'failed', reason })
        return new VideoEngineError(`the join failed: ${code}`, { reason, code, cause })
    }

    #follow(): void {
        this.#local.on('local', (event) => this.events.emit('local', event))
        const blocked = () => this.#setAudioBlocked(true)
        this.#options.AgoraRTC.on('autoplay-failed', blocked)
        this.#ends.push(() => this.#options.AgoraRTC.off('autoplay-failed', blocked))
    }

    #setAudioBlocked(isBlocked: boolean): void {
        if (isBlocked === this.#isAudioBlocked) return
        this.#isAudioBlocked = isBlocked
        this.events.emit('audioBlocked', { isBlocked })
    }

    #measure(): void {
        this.#nextQuality?.()
        this.#nextQuality = this.#clock.after(QUALITY_EVERY_MS, () => {
            if (this.#role === null) return
            this.events.emit('quality', qualityOf(this.#client, this.#role === 'host'))
            this.#measure()
        })
    }
}

/** A factory of engines over agora-rtc-sdk-ng. */
export function agoraWebEngine(options: AgoraWebOptions): VideoEngineFactory<HTMLElement> {
    return () => new AgoraWebEngine(options)
}
