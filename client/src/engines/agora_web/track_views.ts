/** One sender as a viewer receives it: its tracks, its view, its frames. */

import type { IRemoteAudioTrack, IRemoteVideoTrack } from 'agora-rtc-sdk-ng'
import type { Unsubscribe } from '../../emitter/emitter.ts'
import type { VideoViewOptions } from '../../viewer/video_engine.ts'
import { brightnessOf } from '../dom/brightness.ts'
import { type WatchedVideoEvents, watchVideo } from '../dom/watched_video.ts'

/** What a view shows: a remote picture or the own camera. */
export type PlayedVideo = Pick<IRemoteVideoTrack, 'play' | 'stop' | 'isPlaying' | 'getVideoElementVisibleStatus'>

const PERCENT = 100

/** The SDK makes a video element in the view when it plays, and takes it away when it stops. */
export class TrackView {
    readonly #events: WatchedVideoEvents
    #track: PlayedVideo | null = null
    #view: HTMLElement | null = null
    #options: VideoViewOptions = { objectFit: 'contain', mirror: false }
    #unwatch: Unsubscribe | null = null

    constructor(events: WatchedVideoEvents) {
        this.#events = events
    }

    setView(view: HTMLElement | null, options: VideoViewOptions): void {
        this.#view = view
        this.#options = options
        this.#play()
    }

    setTrack(track: PlayedVideo | null): void {
        if (track === this.#track) return
        this.#stop()
        this.#track = track
        this.#play()
    }

    /** Null while there is no picture in a view. Besides what the SDK sees, an element needs to be in the document. */
    isVisible(): boolean | null {
        if (this.#view === null || this.#track?.isPlaying !== true) return null
        if (!this.#view.isConnected) return false
        // Above the view there may be a caption or a button: the SDK calls that covered too.
        const status = this.#track.getVideoElementVisibleStatus()
        if (status === undefined || status.visible) return true
        const { width, height } = this.#view.getBoundingClientRect()
        return status.reason === 'COVERED' && width >= 1 && height >= 1
    }

    brightness(): number | null {
        const video = this.#video
        return video === null ? null : brightnessOf(video)
    }

    dispose(): void {
        this.#stop()
        this.#track = null
        this.#view = null
    }

    get #video(): HTMLVideoElement | null {
        return this.#view?.querySelector('video') ?? null
    }

    #play(): void {
        this.#stop()
        if (this.#track === null || this.#view === null) return
        this.#track.play(this.#view, { fit: this.#options.objectFit, mirror: this.#options.mirror })
        const video = this.#video
        if (video !== null) this.#unwatch = watchVideo(video, this.#events)
    }

    #stop(): void {
        this.#unwatch?.()
        this.#unwatch = null
        if (this.#track?.isPlaying) this.#track.stop()
    }
}

/** The sound of a sender. */
export class TrackSound {
    #track: IRemoteAudioTrack | null = null
    #volume = 1

    setTrack(track: IRemoteAudioTrack | null): void {
        if (track === this.#track) return
        this.#track?.stop()
        this.#track = track
        this.#apply()
        track?.play()
    }

    setVolume(volume: number): void {
        this.#volume = volume
        this.#apply()
    }

    play(): void {
        this.#track?.play()
    }

    dispose(): void {
        this.#track?.stop()
        this.#track = null
    }

    #apply(): void {
        this.#track?.setVolume(Math.round(Math.min(1, Math.max(0, this.#volume)) * PERCENT))
    }
}
