/** A video engine on a fake clock: frames are events, channels are in memory, and every call can be made to fail. */

import type { Clock } from '../clock/clock.ts'
import { Emitter, type Unsubscribe } from '../emitter/emitter.ts'
import type {
    AudioRoute,
    LocalSource,
    PermissionAnswer,
    VideoEngine,
    VideoEngineCapabilities,
    VideoEngineEvents,
    VideoJoin,
    VideoLayer,
    VideoViewOptions,
} from '../viewer/video_engine.ts'
import { type FakeFaults, mend } from './fake_faults.ts'
import { FakeMembership } from './fake_membership.ts'
import { type FakePicture, type FakeVideoNetwork, PICTURE } from './fake_network.ts'
import { FakeScreen } from './fake_screen.ts'

export interface FakeEngineOptions {
    clock: Clock
    /** Engines of one network see each other; one of its own when left out. */
    network?: FakeVideoNetwork
    capabilities?: Partial<VideoEngineCapabilities>
    /** Milliseconds between frames. */
    frameMs?: number
    /** Milliseconds that a join takes. */
    joinMs?: number
}

export class FakeEngine implements VideoEngine {
    readonly name = 'fake'
    readonly capabilities: VideoEngineCapabilities
    /** Every call, in order, with what it was about. */
    readonly calls: string[] = []
    /** What was asked for last. */
    layer: VideoLayer | null = null
    audioRoute: AudioRoute = 'default'
    volume = 1
    token: string | null = null
    isDisposed = false
    /** What is drawn where. */
    readonly screen: FakeScreen
    readonly #emitter = new Emitter<VideoEngineEvents>()
    readonly #membership: FakeMembership
    readonly #faults: FakeFaults
    /** Senders that were subscribed once. */
    readonly #met = new Set<number>()
    #listeners = 0
    #isPreviewing = false
    #isCameraOn = true
    #isMicrophoneOn = true

    constructor(options: FakeEngineOptions & { network: FakeVideoNetwork }, faults: FakeFaults) {
        const all = { eachFrame: true, pixels: true, layers: true, audioRoutes: true, viewVisibility: true }
        this.capabilities = { ...all, ...options.capabilities }
        this.#faults = faults
        this.screen = new FakeScreen({
            clock: options.clock,
            frameMs: options.frameMs ?? 200,
            capabilities: this.capabilities,
            faults,
            source: (uid) => this.#source(uid),
            emit: (name, event) => this.emit(name, event),
        })
        this.#membership = new FakeMembership({
            clock: options.clock,
            network: options.network,
            joinMs: options.joinMs ?? 50,
            faults,
            screen: () => this.screen,
            emit: (name, event) => this.emit(name, event),
        })
    }

    on<Name extends keyof VideoEngineEvents>(
        name: Name,
        listener: (event: VideoEngineEvents[Name]) => void
    ): Unsubscribe {
        this.#listeners++
        const end = this.#emitter.on(name, listener)
        let isOn = true
        return () => {
            if (isOn) this.#listeners--
            isOn = false
            end()
        }
    }

    /** Subscriptions to events that nobody has ended. */
    get listeners(): number {
        return this.#listeners
    }

    get isJoined(): boolean {
        return this.#membership.isJoined
    }

    get isPublishing(): boolean {
        return this.#membership.sender !== null
    }

    /** Joins that came while another was under way or done: the SDKs break on them. */
    get doubleJoins(): number {
        return this.#membership.doubleJoins
    }

    get isPreviewing(): boolean {
        return this.#isPreviewing
    }

    /** Anything that an SDK may say by itself. */
    emit<Name extends keyof VideoEngineEvents>(name: Name, event: VideoEngineEvents[Name]): void {
        if (!this.isDisposed) this.#emitter.emit(name, event)
    }

    /** How often a method was called. */
    count(name: string): number {
        return this.calls.filter((call) => call === name || call.startsWith(`${name} `)).length
    }

    async join(join: VideoJoin): Promise<void> {
        await this.#called('join', join.uid)
        await this.#membership.join(join)
        this.token = join.token
    }

    async leave(): Promise<void> {
        await this.#called('leave')
        this.#membership.leave()
    }

    async renewToken(token: string): Promise<void> {
        await this.#called('renewToken', token)
        this.token = token
        mend(this.#faults, 'new_token')
    }

    async subscribe(uid: number): Promise<void> {
        await this.#called('subscribe', uid)
        if (this.#met.has(uid)) mend(this.#faults, 'resubscribe')
        this.#met.add(uid)
        this.screen.subscribed.add(uid)
        this.screen.draw()
    }

    async unsubscribe(uid: number): Promise<void> {
        await this.#called('unsubscribe', uid)
        this.screen.forget(uid)
    }

    setView(uid: number, view: unknown, options: VideoViewOptions): void {
        if (this.isDisposed) return
        this.calls.push(`setView ${uid} ${view === null ? 'null' : 'view'}`)
        if (view === null) {
            if (this.screen.views.delete(uid)) mend(this.#faults, 'reattach_view')
        } else {
            this.screen.views.set(uid, { view, options })
        }
        this.screen.draw()
    }

    isViewVisible(uid: number): boolean | null {
        return this.screen.isVisible(uid)
    }

    brightness(uid: number): number | null {
        return this.screen.brightness(uid)
    }

    async setLayer(uid: number, layer: VideoLayer): Promise<void> {
        await this.#called('setLayer', `${uid} ${layer}`)
        this.layer = layer
    }

    setVolume(uid: number, volume: number): void {
        this.calls.push(`setVolume ${uid} ${volume}`)
        this.volume = volume
    }

    async setAudioRoute(route: AudioRoute): Promise<void> {
        await this.#called('setAudioRoute', route)
        this.audioRoute = route
    }

    async resumeAudio(): Promise<void> {
        await this.#called('resumeAudio')
        this.emit('audioBlocked', { isBlocked: false })
    }

    async requestPermissions(): Promise<Record<LocalSource, PermissionAnswer>> {
        await this.#called('requestPermissions')
        return { camera: this.#faults.permission, microphone: this.#faults.permission }
    }

    async startPreview(): Promise<void> {
        await this.#called('startPreview')
        this.#isPreviewing = true
        this.emit('local', { source: 'camera', state: 'live' })
        this.screen.draw()
    }

    async stopPreview(): Promise<void> {
        await this.#called('stopPreview')
        this.#isPreviewing = false
    }

    async publish(): Promise<void> {
        await this.#called('publish')
        this.#membership.publish({ isCameraOn: this.#isCameraOn, isMicrophoneOn: this.#isMicrophoneOn })
    }

    async unpublish(): Promise<void> {
        await this.#called('unpublish')
        this.#membership.unpublish()
    }

    async setCamera(isOn: boolean): Promise<void> {
        await this.#called('setCamera', isOn)
        this.#isCameraOn = isOn
        this.#membership.sender?.setCamera(isOn)
        this.emit('local', { source: 'camera', state: isOn ? 'live' : 'off' })
    }

    async setMicrophone(isOn: boolean): Promise<void> {
        await this.#called('setMicrophone', isOn)
        this.#isMicrophoneOn = isOn
        this.#membership.sender?.setMicrophone(isOn)
        this.emit('local', { source: 'microphone', state: isOn ? 'live' : 'off' })
    }

    async switchCamera(): Promise<void> {
        await this.#called('switchCamera')
    }

    async dispose(): Promise<void> {
        this.calls.push('dispose')
        this.#membership.leave()
        this.isDisposed = true
        this.#isPreviewing = false
        this.screen.stop()
        this.#emitter.clear()
    }

    /** Notes a call, which may be meant to fail. */
    async #called(name: string, about: unknown = ''): Promise<void> {
        this.calls.push(`${name} ${about}`.trim())
        const fault = this.#faults.calls.get(name)
        if (fault === 'silence') await new Promise<never>(() => {})
        if (fault === 'reject' || this.isDisposed) throw new Error(`${name} failed`)
    }

    #source(uid: number): FakePicture | undefined {
        if (uid !== 0) return this.#membership.picture(uid)
        if (!this.#isPreviewing) return undefined
        return this.#membership.sender?.picture ?? { ...PICTURE, isCameraOn: this.#isCameraOn }
    }
}
