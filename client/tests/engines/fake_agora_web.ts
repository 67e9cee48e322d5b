/** agora-rtc-sdk-ng without a server: clients, users and tracks that a test moves, with the names and types of the real package. */

import type { IAgoraRTC, IAgoraRTCClient, IAgoraRTCRemoteUser } from 'agora-rtc-sdk-ng'

type Listener = (...args: never[]) => void

class FakeEvents {
    readonly listeners: Map<string, Set<Listener>> = new Map()

    on(name: string, listener: Listener): void {
        this.listeners.set(name, (this.listeners.get(name) ?? new Set()).add(listener))
    }

    off(name: string, listener: Listener): void {
        this.listeners.get(name)?.delete(listener)
    }

    removeAllListeners(): void {
        this.listeners.clear()
    }

    say(name: string, ...args: unknown[]): void {
        for (const listener of this.listeners.get(name) ?? []) (listener as (...args: unknown[]) => void)(...args)
    }
}

export class FakeTrack extends FakeEvents {
    isPlaying = false
    volume = 100
    play(view?: HTMLElement): void {
        this.isPlaying = true
        view?.append(document.createElement('video'))
    }
    stop(): void {
        this.isPlaying = false
    }
    setVolume(volume: number): void {
        this.volume = volume
    }
    getVideoElementVisibleStatus(): { visible: true } {
        return { visible: true }
    }
}

/** A camera or a microphone of the own device. */
export class FakeLocalTrack extends FakeTrack {
    enabled = true
    isClosed = false
    readonly kind: 'camera' | 'microphone'
    constructor(kind: 'camera' | 'microphone') {
        super()
        this.kind = kind
    }
    /** Another track of the browser each time that the device is opened. */
    media: EventTarget = new EventTarget()
    async setEnabled(isOn: boolean): Promise<void> {
        this.enabled = isOn
        if (isOn) this.media = new EventTarget()
    }
    async setDevice(): Promise<void> {
        this.media = new EventTarget()
    }
    close(): void {
        this.isClosed = true
    }
    getMediaStreamTrack(): EventTarget {
        return this.media
    }
    toJSON(): string {
        return this.kind
    }
}

export interface FakeUser {
    uid: number
    hasVideo: boolean
    hasAudio: boolean
    videoTrack?: FakeTrack
    audioTrack?: FakeTrack
}

export class FakeClient extends FakeEvents {
    readonly calls: string[] = []
    readonly localTracks: unknown[] = []
    /** What a call rejects with; `never`: it does not settle. */
    readonly failures: Record<string, { code: string; message?: string } | 'never'> = {}
    quality: { uplinkNetworkQuality: number; downlinkNetworkQuality: number } = {
        uplinkNetworkQuality: 1,
        downlinkNetworkQuality: 2,
    }

    setClientRole(role: string, options?: object): Promise<void> {
        return this.#call('setClientRole', role, options)
    }
    join(...args: unknown[]): Promise<void> {
        return this.#call('join', ...args)
    }
    leave(): Promise<void> {
        return this.#call('leave')
    }
    renewToken(token: string): Promise<void> {
        return this.#call('renewToken', token)
    }
    async subscribe(user: FakeUser, mediaType: 'audio' | 'video'): Promise<FakeTrack> {
        await this.#call('subscribe', user.uid, mediaType)
        const track = new FakeTrack()
        if (mediaType === 'video') user.videoTrack = track
        else user.audioTrack = track
        return track
    }
    unsubscribe(user: FakeUser): Promise<void> {
        return this.#call('unsubscribe', user.uid)
    }
    setRemoteVideoStreamType(uid: number, type: number): Promise<void> {
        return this.#call('setRemoteVideoStreamType', uid, type)
    }
    setStreamFallbackOption(uid: number, type: number): Promise<void> {
        return this.#call('setStreamFallbackOption', uid, type)
    }
    getNetworkQuality(): FakeClient['quality'] {
        return this.quality
    }
    getRTCStats(): object {
        return { SendBitrate: 300_000, RecvBitrate: 900_000 }
    }
    getRemoteVideoStats(): object {
        return { 1: { currentPacketLossRate: 5 } }
    }
    getLocalVideoStats(): object {
        return { currentPacketLossRate: 0 }
    }

    enableDualStream(): Promise<void> {
        return this.#call('enableDualStream')
    }
    async publish(tracks: FakeLocalTrack[]): Promise<void> {
        await this.#call('publish', tracks)
        // As the SDK says it of an empty list.
        if (tracks.length === 0) throw Object.assign(new Error('param list is empty'), { code: 'INVALID_PARAMS' })
        this.localTracks.push(...tracks)
    }

    /** A user comes, and publishes what is given. */
    publishes(user: FakeUser, ...mediaTypes: ('audio' | 'video')[]): void {
        for (const mediaType of mediaTypes) {
            if (mediaType === 'video') user.hasVideo = true
            else user.hasAudio = true
            this.say('user-published', user as unknown as IAgoraRTCRemoteUser, mediaType)
        }
    }

    async #call(name: string, ...args: unknown[]): Promise<void> {
        const given = args.filter((arg) => arg !== undefined).map((arg) => JSON.stringify(arg))
        this.calls.push(`${name}(${given.join(', ')})`)
        const failure = this.failures[name]
        if (failure === 'never') await new Promise(() => {})
        else if (failure !== undefined) throw Object.assign(new Error(failure.message), { code: failure.code })
    }
}

export class FakeAgoraWeb extends FakeEvents {
    readonly clients: FakeClient[] = []

    get sdk(): IAgoraRTC {
        return this as unknown as IAgoraRTC
    }

    get client(): FakeClient {
        return this.clients.at(-1) ?? new FakeClient()
    }

    createClient(): IAgoraRTCClient {
        this.clients.push(new FakeClient())
        return this.client as unknown as IAgoraRTCClient
    }

    /** Devices that were opened, in order. */
    readonly opened: FakeLocalTrack[] = []
    hasMicrophone = true

    createCameraVideoTrack(): Promise<FakeLocalTrack> {
        return this.#open('camera')
    }
    async createMicrophoneAudioTrack(): Promise<FakeLocalTrack> {
        if (!this.hasMicrophone) throw Object.assign(new Error('no device'), { code: 'DEVICE_NOT_FOUND' })
        return this.#open('microphone')
    }

    async #open(kind: FakeLocalTrack['kind']): Promise<FakeLocalTrack> {
        const track = new FakeLocalTrack(kind)
        this.opened.push(track)
        return track
    }

    resumeAudioContext(): void {}
}
