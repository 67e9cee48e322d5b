/** The video element of one sender: in a view of the app, or kept aside while it has none. */

import type { Unsubscribe } from '../../emitter/emitter.ts'
import type { VideoViewOptions } from '../../viewer/video_engine.ts'
import { brightnessOf } from '../dom/brightness.ts'
import { isShown } from '../dom/visibility.ts'
import { type WatchedVideoEvents, watchVideo } from '../dom/watched_video.ts'

export interface VideoViewEvents extends WatchedVideoEvents {
    /** The browser lets no sound play before a touch, or does again. */
    blocked(isBlocked: boolean): void
}

export class VideoView {
    readonly #video: HTMLVideoElement
    readonly #events: VideoViewEvents
    readonly #isOwn: boolean
    #view: HTMLElement | null = null
    #unwatch: Unsubscribe | null = null
    #isBlocked = false
    #volume = 1

    /** The own picture is silent: its owner would hear themselves. */
    constructor(isOwn: boolean, events: VideoViewEvents) {
        this.#isOwn = isOwn
        this.#events = events
        this.#video = document.createElement('video')
        this.#video.playsInline = true
        this.#video.autoplay = true
        this.#video.muted = isOwn
        Object.assign(this.#video.style, { display: 'block', width: '100%', height: '100%' })
    }

    get isInView(): boolean {
        return this.#view !== null
    }

    setView(view: HTMLElement | null, { objectFit, mirror }: VideoViewOptions): void {
        this.#video.style.objectFit = objectFit
        this.#video.style.transform = mirror ? 'scaleX(-1)' : ''
        if (view === this.#view) return
        this.#unwatch?.()
        this.#unwatch = null
        this.#view = view
        if (view === null) {
            this.#video.remove()
            return
        }
        view.append(this.#video)
        this.#unwatch = watchVideo(this.#video, this.#events)
        // An element that moves in the document stops playing.
        this.play()
    }

    show(stream: MediaStream | null): void {
        this.#video.srcObject = stream
        if (stream !== null) this.play()
    }

    setVolume(volume: number): void {
        this.#volume = volume
        this.#video.volume = Math.min(1, Math.max(0, volume))
        if (!this.#isOwn) this.#video.muted = this.#isBlocked || volume === 0
    }

    /** From a touch: sound may play now. */
    resume(): void {
        this.#setBlocked(false)
        this.play()
    }

    isVisible(): boolean {
        return this.#view !== null && isShown(this.#video)
    }

    brightness(): number | null {
        return brightnessOf(this.#video)
    }

    dispose(): void {
        this.#unwatch?.()
        this.#unwatch = null
        this.#view = null
        this.#video.srcObject = null
        this.#video.remove()
    }

    play(): void {
        if (this.#video.srcObject === null) return
        this.#video.play().catch((error: unknown) => {
            // Where sound is what is refused, the picture goes without it.
            if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || this.#video.muted) return
            this.#setBlocked(true)
            this.play()
        })
    }

    #setBlocked(isBlocked: boolean): void {
        if (isBlocked === this.#isBlocked) return
        this.#isBlocked = isBlocked
        this.setVolume(this.#volume)
        this.#events.blocked(isBlocked)
    }
}
