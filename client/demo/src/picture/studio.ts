/**
 * The seller's picture: the camera or a drawn scene, painted on a canvas whose tracks go to the engine. Between the two stand the
 * switches "freeze" and "black camera", which no engine could tell from a real fault.
 */

import { drawBlack, drawScene, type Scene } from './scene.ts'

export type Source = 'camera' | 'drawn'

const WIDTH = 960
const HEIGHT = 540
const FRAMES_PER_S = 15

export class Studio {
    /** Nothing is painted: no frame leaves this device. */
    isFrozen = false
    isBlack = false
    #source: Source = 'camera'
    #openCamera: () => Promise<MediaStream | null> = async () => null
    readonly scene: Scene = { lot: null }
    readonly #canvas = document.createElement('canvas')
    readonly #tracks = new Set<MediaStreamTrack>()
    #camera: { stream: MediaStream; video: HTMLVideoElement } | null = null
    #ticker: Worker | undefined

    constructor() {
        this.#canvas.width = WIDTH
        this.#canvas.height = HEIGHT
    }

    /** The drawing that stands on the table. */
    show(lotUrl: string): void {
        const image = new Image()
        image.onload = () => {
            this.scene.lot = image
        }
        image.src = lotUrl
    }

    get source(): Source {
        return this.#source
    }

    /** Also while the picture is sent: the same track goes on. */
    async setSource(source: Source): Promise<void> {
        this.#source = source
        if (source === 'drawn') this.#closeCamera()
        else if (this.#tracks.size > 0) await this.#prepare()
    }

    /** A track of the picture. `openCamera` is asked where the source is the camera, and may refuse. */
    async open(openCamera: () => Promise<MediaStream | null>): Promise<MediaStreamTrack> {
        this.#openCamera = openCamera
        await this.#prepare()
        const [track] = this.#canvas.captureStream(FRAMES_PER_S).getVideoTracks()
        if (track === undefined) throw new DOMException('the canvas gives no track', 'NotReadableError')
        this.#tracks.add(track)
        this.#ticker ??= this.#tick()
        this.#paint()
        return track
    }

    async #prepare(): Promise<void> {
        if (this.#source !== 'camera' || this.#camera !== null) return
        const stream = await this.#openCamera()
        if (stream === null) return
        // Another source was chosen, or another track opened it, while the browser asked.
        if (this.source !== 'camera' || this.#camera !== null) return stop(stream)
        const video = document.createElement('video')
        video.muted = true
        video.playsInline = true
        video.srcObject = stream
        this.#camera = { stream, video }
        await video.play().catch((error) => {
            // Closed while it began to play, it is not missed.
            if (this.#camera?.video === video) throw error
        })
    }

    #tick(): Worker {
        const ticker = new Worker(new URL('./ticker.ts', import.meta.url), { type: 'module' })
        ticker.onmessage = () => this.#paint()
        return ticker
    }

    #paint(): void {
        for (const track of this.#tracks) if (track.readyState === 'ended') this.#tracks.delete(track)
        if (this.#tracks.size === 0) return this.#close()
        const context = this.#canvas.getContext('2d')
        if (context === null || this.isFrozen) return
        if (this.isBlack) drawBlack(context)
        else if (this.#source === 'camera' && this.#camera !== null) cover(context, this.#camera.video)
        else drawScene(context, this.scene, Date.now())
    }

    /** Nobody takes the picture any more: the camera's light goes off. */
    #close(): void {
        this.#ticker?.terminate()
        this.#ticker = undefined
        this.#closeCamera()
    }

    #closeCamera(): void {
        if (this.#camera === null) return
        stop(this.#camera.stream)
        this.#camera.video.srcObject = null
        this.#camera = null
    }
}

function stop(stream: MediaStream): void {
    for (const track of stream.getTracks()) track.stop()
}

/** Fills the canvas with the picture of the camera, its edges cut. */
function cover(context: CanvasRenderingContext2D, video: HTMLVideoElement): void {
    const { width, height } = context.canvas
    const scale = Math.max(width / (video.videoWidth || width), height / (video.videoHeight || height))
    const [w, h] = [video.videoWidth * scale, video.videoHeight * scale]
    context.drawImage(video, (width - w) / 2, (height - h) / 2, w, h)
}
