/** Video between browsers through the local stack: real frames over peer connections, without Agora. */

import { type Cancel, type Clock, systemClock } from '../../clock/clock.ts'
import type {
    AudioRoute,
    LocalSource,
    PermissionAnswer,
    VideoEngine,
    VideoEngineCapabilities,
    VideoJoin,
    VideoLayer,
    VideoViewOptions,
} from '../../viewer/video_engine.ts'
import { permissionsAfter } from '../dom/permissions.ts'
import { EngineBase } from '../engine_base.ts'
import { VideoEngineError } from '../engine_error.ts'
import { LocalMedia, type PictureSource } from './local_media.ts'
import type { Signal } from './messages.ts'
import { QualityMeter } from './quality.ts'
import { Receivers } from './receivers.ts'
import { Senders } from './senders.ts'
import { Signalling } from './signalling.ts'
import { VideoView } from './video_view.ts'

const QUALITY_EVERY_MS = 2_000
const OWN_UID = 0

export interface LoopbackEngineOptions {
    /** The local stack: the URL that supabase-js has too. */
    url: string
    /** What a host shows; `auto` is the camera where there is one. */
    picture?: PictureSource
    /** Stands in the drawn picture. */
    label?: string
    clock?: Clock
}

/** Troubles on demand, for tests and demonstrations. */
export interface LoopbackFaults {
    /** Cuts this device off from the stack and from its peers, or lets it come back. */
    setNetwork(isUp: boolean): void
    /** A host's frames end without a word. */
    freeze(isFrozen: boolean): void
    /** A host's picture is black; frames go on. */
    blacken(isBlack: boolean): void
}

export class LoopbackEngine extends EngineBase implements VideoEngine<HTMLElement> {
    readonly name: string = 'loopback'
    readonly capabilities: VideoEngineCapabilities = {
        eachFrame: true,
        pixels: true,
        layers: true,
        audioRoutes: false,
        viewVisibility: true,
    }
    readonly faults: LoopbackFaults
    readonly #clock: Clock
    readonly #signalling: Signalling
    readonly #media: LocalMedia
    readonly #senders: Senders
    readonly #receivers: Receivers
    readonly #views = new Map<number, VideoView>()
    readonly #blocked = new Set<number>()
    #meter = new QualityMeter()
    #nextReading: Cancel | null = null
    #role: VideoJoin['role'] | null = null
    #isPublishing = false

    constructor({ url, picture = 'auto', label = 'pg_stream', clock = systemClock }: LoopbackEngineOptions) {
        super()
        this.#clock = clock
        this.#signalling = new Signalling(signallingUrl(url), clock)
        this.#media = new LocalMedia(picture, clock, label)
        const signal = (to: number, data: Signal) => this.#signalling.signal(to, data)
        this.#senders = new Senders(this.#media, signal)
        const show = (uid: number, stream: MediaStream | null) => this.#show(uid, stream)
        this.#receivers = new Receivers({ events: this.events, signal, show })
        this.faults = {
            setNetwork: (isUp) => {
                if (!isUp) this.#receivers.cut()
                if (!isUp) this.#senders.clear()
                this.#signalling.setNetwork(isUp)
            },
            freeze: (isFrozen) => this.#senders.freeze(isFrozen),
            blacken: (isBlack) => this.#media.setBlack(isBlack),
        }
        this.#follow()
    }

    protected async enter({ channelId, token, uid, role }: VideoJoin): Promise<void> {
        this.#role = role
        await this.#signalling.join({ channel: channelId, uid, role, token })
        this.#measure()
    }

    async leave(): Promise<void> {
        this.#isPublishing = false
        this.#senders.unpublish()
        this.#senders.clear()
        this.#receivers.clear()
        this.#signalling.leave()
        this.#nextReading?.()
        this.#nextReading = null
        this.#meter = new QualityMeter()
        this.#role = null
    }

    async renewToken(token: string): Promise<void> {
        if (!this.isDisposed) await this.#signalling.renew(token)
    }

    async subscribe(uid: number): Promise<void> {
        if (!this.isDisposed) this.#receivers.subscribe(uid)
    }

    async unsubscribe(uid: number): Promise<void> {
        this.#receivers.unsubscribe(uid)
    }

    setView(uid: number, view: HTMLElement | null, options: VideoViewOptions): void {
        if (!this.isDisposed) this.#view(uid).setView(view, options)
    }

    isViewVisible(uid: number): boolean | null {
        const view = this.#views.get(uid)
        return view?.isInView ? view.isVisible() : null
    }

    brightness(uid: number): number | null {
        const view = this.#views.get(uid)
        return view?.isInView ? view.brightness() : null
    }

    async setLayer(uid: number, layer: VideoLayer): Promise<void> {
        this.#receivers.setLayer(uid, layer)
    }

    setVolume(uid: number, volume: number): void {
        if (!this.isDisposed) this.#view(uid).setVolume(volume)
    }

    async setAudioRoute(_route: AudioRoute): Promise<void> {}

    async resumeAudio(): Promise<void> {
        for (const view of this.#views.values()) view.resume()
    }

    async requestPermissions(): Promise<Record<LocalSource, PermissionAnswer>> {
        return permissionsAfter(() => this.#media.open())
    }

    async startPreview(): Promise<void> {
        if (this.isDisposed) return
        await this.#media.open()
        if (this.isDisposed) this.#media.close()
        else this.#view(OWN_UID).show(this.#media.stream)
    }

    async stopPreview(): Promise<void> {
        this.#views.get(OWN_UID)?.show(null)
        if (!this.#isPublishing) this.#media.close()
    }

    async publish(): Promise<void> {
        if (this.isDisposed) return
        if (this.#role !== 'host') throw new VideoEngineError('only a host publishes', { reason: 'refused' })
        await this.#media.open()
        // It may have left meanwhile.
        if (this.isDisposed) return this.#media.close()
        if (this.#role !== 'host') return
        this.#isPublishing = true
        this.#senders.publish()
    }

    async unpublish(): Promise<void> {
        this.#isPublishing = false
        this.#senders.unpublish()
    }

    async setCamera(isOn: boolean): Promise<void> {
        if (!this.isDisposed) await this.#media.setCamera(isOn)
    }

    async setMicrophone(isOn: boolean): Promise<void> {
        if (!this.isDisposed) await this.#media.setMicrophone(isOn)
    }

    async switchCamera(): Promise<void> {
        if (!this.isDisposed) await this.#media.switchCamera()
    }

    async dispose(): Promise<void> {
        if (this.isDisposed) return
        await this.leave()
        this.isDisposed = true
        this.#media.close()
        for (const view of this.#views.values()) view.dispose()
        this.#views.clear()
        this.events.clear()
    }

    #follow(): void {
        const signalling = this.#signalling
        signalling.on('state', (state) => this.events.emit('connection', state))
        signalling.on('peers', (peers) => {
            // Whoever wants the picture asks again.
            this.#senders.clear()
            this.#receivers.reset(peers)
        })
        signalling.on('peerJoined', ({ uid, role }) => {
            if (role === 'host') this.#receivers.joined(uid)
        })
        signalling.on('peerLeft', ({ uid }) => {
            this.#senders.forget(uid)
            this.#receivers.left(uid)
        })
        signalling.on('signal', ({ from, data }) => {
            this.#senders.follow(from, data)
            this.#receivers.follow(from, data)
        })
        signalling.on('tokenWillExpire', () => this.events.emit('tokenWillExpire', undefined))
        signalling.on('tokenExpired', () => this.events.emit('tokenExpired', undefined))
        this.#media.on('local', (event) => this.events.emit('local', event))
        this.#media.on('tracks', () => this.#senders.update())
    }

    #view(uid: number): VideoView {
        const known = this.#views.get(uid)
        if (known) return known
        const view = new VideoView(uid === OWN_UID, {
            frame: () => this.events.emit('frame', { uid }),
            size: (width, height) => this.events.emit('size', { uid, width, height }),
            blocked: (isBlocked) => this.#setBlocked(uid, isBlocked),
        })
        this.#views.set(uid, view)
        return view
    }

    #show(uid: number, stream: MediaStream | null): void {
        if (stream !== null) this.#view(uid).show(stream)
        else this.#views.get(uid)?.show(null)
    }

    #setBlocked(uid: number, isBlocked: boolean): void {
        const before = this.#blocked.size > 0
        if (isBlocked) this.#blocked.add(uid)
        else this.#blocked.delete(uid)
        const now = this.#blocked.size > 0
        if (now !== before) this.events.emit('audioBlocked', { isBlocked: now })
    }

    #measure(): void {
        this.#nextReading?.()
        this.#nextReading = this.#clock.after(QUALITY_EVERY_MS, async () => {
            const meter = this.#meter
            const [receiving, sending] = await Promise.all([this.#receivers.stats(), this.#senders.stats()])
            // It may have left while the statistics were read.
            if (meter !== this.#meter || this.#role === null) return
            const quality = meter.read(this.#clock.now(), receiving, sending)
            if (quality !== null) this.events.emit('quality', quality)
            this.#measure()
        })
    }
}

/** A factory of engines over this local stack. */
export function loopbackEngine(options: LoopbackEngineOptions): () => LoopbackEngine {
    return () => new LoopbackEngine(options)
}

function signallingUrl(url: string): string {
    const signalling = new URL('/_local/loopback', url)
    signalling.protocol = signalling.protocol === 'https:' ? 'wss:' : 'ws:'
    return signalling.href
}
