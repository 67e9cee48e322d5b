/** The frames that are drawn of each sender, as the SDK counts them every two seconds: it tells only the first one by itself. */

import type { VideoEngineEvents } from '../../viewer/video_engine.ts'

/** Reports without a frame until a picture stands still. */
const SILENT_REPORTS = 2

export class DrawnFrames {
    readonly #emit: <Name extends 'frame' | 'remoteVideo'>(name: Name, event: VideoEngineEvents[Name]) => void
    /** Reports without a frame since the last one, of senders that were drawn. */
    readonly #silent = new Map<number, number>()

    constructor(emit: <Name extends 'frame' | 'remoteVideo'>(name: Name, event: VideoEngineEvents[Name]) => void) {
        this.#emit = emit
    }

    /** A device that never counts frames is not taken for one that draws none. */
    report(uid: number, framesPerSecond: number): void {
        const silent = this.#silent.get(uid)
        if (framesPerSecond > 0) {
            this.#silent.set(uid, 0)
            if (silent !== undefined && silent >= SILENT_REPORTS) {
                this.#emit('remoteVideo', { uid, state: 'decoding', reason: 'recovered' })
            }
            this.#emit('frame', { uid })
        } else if (silent !== undefined) {
            this.#silent.set(uid, silent + 1)
            if (silent + 1 === SILENT_REPORTS) this.#emit('remoteVideo', { uid, state: 'frozen', reason: 'unknown' })
        }
    }

    /** Of a sender that is received anew, or left. */
    forget(uid: number): void {
        this.#silent.delete(uid)
    }

    reset(): void {
        this.#silent.clear()
    }
}
