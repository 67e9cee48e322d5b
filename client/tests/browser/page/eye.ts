/** The picture of a view as a person sees it: the video element there, its frames, its light and its place, whatever an engine says. */

const BLACK_BELOW = 0.02
const STANDS_STILL_MS = 500
const SIDE = 16

export class Eye {
    readonly #view: HTMLElement
    readonly #canvas = document.createElement('canvas')
    #video: HTMLVideoElement | null = null
    #lastFrameAt = 0

    constructor(view: HTMLElement) {
        this.#view = view
        this.#canvas.width = SIDE
        this.#canvas.height = SIDE
    }

    /** What is wrong with the picture now; null where it moves, has light and can be seen. */
    wrong(now: number): string | null {
        const videos = this.#view.querySelectorAll('video')
        const [video = null] = videos
        if (video !== this.#video) this.#watch(video)
        if (video === null) return 'no video in the view'
        if (videos.length > 1) return `${videos.length} videos in the view`
        if (now - this.#lastFrameAt > STANDS_STILL_MS) return 'no frame'
        const { width, height } = video.getBoundingClientRect()
        const isShown = video.checkVisibility({ visibilityProperty: true, opacityProperty: true })
        if (width < 1 || height < 1 || !isShown) return 'not to be seen'
        return this.#light(video) < BLACK_BELOW ? 'black' : null
    }

    #watch(video: HTMLVideoElement | null): void {
        this.#video = video
        this.#lastFrameAt = 0
        if (video === null) return
        const note = (now: number) => {
            if (video !== this.#video) return
            this.#lastFrameAt = now
            video.requestVideoFrameCallback(note)
        }
        video.requestVideoFrameCallback(note)
    }

    #light(video: HTMLVideoElement): number {
        const context = this.#canvas.getContext('2d', { willReadFrequently: true })
        if (context === null) throw new Error('the page has no canvas')
        context.drawImage(video, 0, 0, SIDE, SIDE)
        const { data } = context.getImageData(0, 0, SIDE, SIDE)
        let sum = 0
        for (let index = 0; index < data.length; index += 4) {
            sum += (data[index] ?? 0) + (data[index + 1] ?? 0) + (data[index + 2] ?? 0)
        }
        return sum / (SIDE * SIDE * 3 * 255)
    }
}
