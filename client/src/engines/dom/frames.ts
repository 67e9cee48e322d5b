/** The frames that a video element presents, one call for each. */

import type { Unsubscribe } from '../../emitter/emitter.ts'

/** Where the browser cannot tell frames, the position of the video is asked for: it moves four times a second. */
export function watchFrames(video: HTMLVideoElement, onFrame: () => void): Unsubscribe {
    if (typeof video.requestVideoFrameCallback !== 'function') {
        video.addEventListener('timeupdate', onFrame)
        return () => video.removeEventListener('timeupdate', onFrame)
    }
    let handle = 0
    const ask = () => {
        handle = video.requestVideoFrameCallback(() => {
            ask()
            onFrame()
        })
    }
    ask()
    return () => video.cancelVideoFrameCallback(handle)
}
