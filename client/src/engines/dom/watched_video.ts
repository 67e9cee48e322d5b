/** A video element that is watched: its frames and its size, while it is in a view. */

import type { Unsubscribe } from '../../emitter/emitter.ts'
import { watchFrames } from './frames.ts'

export interface WatchedVideoEvents {
    frame(): void
    size(width: number, height: number): void
}

/** Ends with the returned function. */
export function watchVideo(video: HTMLVideoElement, events: WatchedVideoEvents): Unsubscribe {
    let width = 0
    let height = 0
    const measure = () => {
        if (video.videoWidth === 0 || (video.videoWidth === width && video.videoHeight === height)) return
        width = video.videoWidth
        height = video.videoHeight
        events.size(width, height)
    }
    const stop = watchFrames(video, () => {
        measure()
        events.frame()
    })
    video.addEventListener('resize', measure)
    measure()
    return () => {
        stop()
        video.removeEventListener('resize', measure)
    }
}
