/** The senders of the channel: who there is, what they publish, and what of it is received. */

import type { IAgoraRTCClient, IAgoraRTCRemoteUser, IRemoteVideoTrack, RemoteStreamType, UID } from 'agora-rtc-sdk-ng'
import type { Emitter } from '../../emitter/emitter.ts'
import type { RemoteVideoReason, VideoEngineEvents, VideoLayer } from '../../viewer/video_engine.ts'
import { codeOf } from './local_tracks.ts'
import { remoteVideoStateOf } from './reasons.ts'
import { TrackSound, TrackView } from './track_views.ts'

const STREAM_TYPES: Record<VideoLayer, RemoteStreamType> = { high: 0, low: 1 }
/** The low stream, and then sound alone. */
const FALLBACK_TO_AUDIO = 2
/** Numbers of the SDK's `exception`: the picture cannot be decoded; it can again. */
const DECODE_FAILED = 1005
const DECODE_RECOVERED = 3005

type MediaType = 'audio' | 'video' | 'datachannel'

interface Shown {
    view: TrackView
    sound: TrackSound
}

export class RemoteSenders {
    #client: IAgoraRTCClient
    readonly #events: Emitter<VideoEngineEvents>
    readonly #users = new Map<number, IAgoraRTCRemoteUser>()
    readonly #wanted = new Map<number, VideoLayer>()
    readonly #shown = new Map<number, Shown>()

    constructor(client: IAgoraRTCClient, events: Emitter<VideoEngineEvents>) {
        this.#client = client
        this.#events = events
        this.#follow()
    }

    /** Another client takes the place of one that is left behind. */
    replace(client: IAgoraRTCClient): void {
        this.#client = client
        this.#follow()
    }

    view(uid: number): TrackView {
        return this.#of(uid).view
    }

    /** Also of a sender that is still to come, or to publish. */
    async subscribe(uid: number): Promise<void> {
        this.#wanted.set(uid, this.#wanted.get(uid) ?? 'high')
        const user = this.#users.get(uid)
        if (user?.hasVideo) await this.#receive(user, 'video')
        if (user?.hasAudio) await this.#receive(user, 'audio')
    }

    async unsubscribe(uid: number): Promise<void> {
        this.#wanted.delete(uid)
        this.#stop(uid)
        const user = this.#users.get(uid)
        if (user !== undefined) await this.#client.unsubscribe(user)
    }

    async setLayer(uid: number, layer: VideoLayer): Promise<void> {
        this.#wanted.set(uid, layer)
        if (this.#users.has(uid)) await this.#client.setRemoteVideoStreamType(uid, STREAM_TYPES[layer])
    }

    setVolume(uid: number, volume: number): void {
        this.#of(uid).sound.setVolume(volume)
    }

    playAll(): void {
        for (const { sound } of this.#shown.values()) sound.play()
    }

    /** After leaving; views stay for who comes next. */
    clear(): void {
        this.#wanted.clear()
        this.#users.clear()
        for (const uid of this.#shown.keys()) this.#stop(uid)
    }

    dispose(): void {
        for (const { view, sound } of this.#shown.values()) {
            view.dispose()
            sound.dispose()
        }
        this.#shown.clear()
    }

    #of(uid: number): Shown {
        const known = this.#shown.get(uid)
        if (known) return known
        const view = new TrackView({
            frame: () => this.#events.emit('frame', { uid }),
            size: (width, height) => this.#events.emit('size', { uid, width, height }),
        })
        const shown = { view, sound: new TrackSound() }
        this.#shown.set(uid, shown)
        return shown
    }

    #stop(uid: number): void {
        this.#shown.get(uid)?.view.setTrack(null)
        this.#shown.get(uid)?.sound.setTrack(null)
    }

    async #receive(user: IAgoraRTCRemoteUser, mediaType: 'audio' | 'video'): Promise<void> {
        const uid = Number(user.uid)
        if (mediaType === 'audio') {
            const sound = user.audioTrack ?? (await this.#client.subscribe(user, 'audio'))
            if (this.#wanted.has(uid)) this.#of(uid).sound.setTrack(sound)
            return
        }
        if (user.videoTrack === undefined) {
            const picture = await this.#client.subscribe(user, 'video')
            this.#watch(uid, picture)
            await this.#prepare(uid)
        }
        if (this.#wanted.has(uid)) this.#of(uid).view.setTrack(user.videoTrack ?? null)
    }

    /** The layer that was asked for before there was one. Without dual stream at the sender both calls fail, and the picture comes. */
    async #prepare(uid: number): Promise<void> {
        try {
            await this.#client.setStreamFallbackOption(uid, FALLBACK_TO_AUDIO)
            if (this.#wanted.get(uid) === 'low') await this.#client.setRemoteVideoStreamType(uid, STREAM_TYPES.low)
        } catch {
            // See above.
        }
    }

    #watch(uid: number, picture: IRemoteVideoTrack): void {
        picture.on('video-state-changed', (state) => {
            const known = remoteVideoStateOf(state)
            this.#tell(uid, known, known === 'frozen' ? 'congestion' : 'unknown')
        })
    }

    #follow(): void {
        const client = this.#client
        client.on('user-joined', (user) => this.#joined(user))
        client.on('user-left', ({ uid }) => {
            this.#users.delete(Number(uid))
            this.#stop(Number(uid))
            this.#tell(uid, 'stopped', 'left')
            this.#events.emit('remoteLeft', { uid: Number(uid) })
        })
        client.on('user-published', (user, mediaType) => void this.#published(user, mediaType))
        client.on('user-unpublished', ({ uid }, mediaType) => {
            if (mediaType === 'video') {
                this.#shown.get(Number(uid))?.view.setTrack(null)
                this.#tell(uid, 'stopped', 'muted')
            } else if (mediaType === 'audio') {
                this.#shown.get(Number(uid))?.sound.setTrack(null)
                this.#events.emit('remoteAudio', { uid: Number(uid), isOn: false })
            }
        })
        client.on('stream-fallback', (uid, change) => {
            if (change === 'fallback') this.#tell(uid, 'stopped', 'fallback')
            else this.#tell(uid, 'decoding', 'recovered')
        })
        client.on('media-reconnect-start', (uid) => {
            if (this.#users.has(Number(uid))) this.#tell(uid, 'frozen', 'congestion')
        })
        client.on('media-reconnect-end', (uid) => {
            if (this.#users.has(Number(uid))) this.#tell(uid, 'decoding', 'recovered')
        })
        client.on('exception', ({ code, uid }) => {
            if (code === DECODE_FAILED) this.#tell(uid, 'failed', 'codec')
            else if (code === DECODE_RECOVERED) this.#tell(uid, 'decoding', 'recovered')
        })
    }

    /** Once: the SDK may tell of a publication before it tells of the user. */
    #joined(user: IAgoraRTCRemoteUser): void {
        const uid = Number(user.uid)
        if (this.#users.has(uid)) return
        this.#users.set(uid, user)
        this.#events.emit('remoteJoined', { uid })
    }

    async #published(user: IAgoraRTCRemoteUser, mediaType: MediaType): Promise<void> {
        const uid = Number(user.uid)
        this.#joined(user)
        if (mediaType === 'datachannel') return
        if (mediaType === 'audio') this.#events.emit('remoteAudio', { uid, isOn: true })
        else this.#tell(uid, 'starting', 'unmuted')
        if (!this.#wanted.has(uid)) return
        try {
            await this.#receive(user, mediaType)
        } catch (thrown) {
            // It was unpublished meanwhile, or left; else the viewer is told, and subscribes again.
            const isOver = !this.#users.has(uid) || codeOf(thrown) === 'INVALID_REMOTE_USER'
            if (!isOver && mediaType === 'video') this.#tell(uid, 'failed', 'unknown')
        }
    }

    /** What the SDK says late of a sender that has left is not told. */
    #tell(uid: UID, state: VideoEngineEvents['remoteVideo']['state'], reason: RemoteVideoReason): void {
        if (reason !== 'left' && !this.#users.has(Number(uid))) return
        this.#events.emit('remoteVideo', { uid: Number(uid), state, reason })
    }
}
