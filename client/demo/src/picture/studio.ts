/**
 * The seller's picture. The camera's own track goes to the engine untouched, as fast as the device gives it. A drawn scene, and the
 * switches "freeze" and "black camera", which no engine could tell from a real fault, are painted on a canvas in its place.
 */

import { drawBlack, drawScene, type Scene } from './scene.ts'

export type Source = 'camera' | 'drawn'

const WIDTH = 960
const HEIGHT = 540
const FRAMES_PER_S = 15

interface Camera {
    track: MediaStreamTrack
    /** What it shows at the moment, for a picture that is to stand still. */
    video: HTMLVideoElement
}

export class Studio {
    readonly scene: Scene = { lot: null }
    #isFrozen = false
    #isBlack = false
    #source: Source = 'camera'
    #openCamera: () => Promise<MediaStream | null> = async () => null
    readonly #canvas = document.createElement('canvas')
    /** Whether each track that is out is the camera's own. */
    readonly #tracks = new Map<MediaStreamTrack, boolean>()
    readonly #listeners = new Set<() => void>()
    #camera: Camera | null = null
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

    async setSource(source: Source): Promise<void> {
        this.#source = source
        if (source === 'drawn') this.#closeCamera()
        else if (this.#tracks.size > 0) await this.#prepare()
        this.#changed()
    }

    /** The last picture stays on the canvas, and no frame leaves this device. */
    setFrozen(isFrozen: boolean): void {
        this.#draw()
        this.#isFrozen = isFrozen
        this.#changed()
    }

    setBlack(isBlack: boolean): void {
        this.#isBlack = isBlack
        this.#draw()
        this.#changed()
    }

    /** Told when the tracks that are out are of another kind than the picture is now: `open` gives the right one. */
    onReplaced(listener: () => void): () => void {
        this.#listeners.add(listener)
        return () => {
            this.#listeners.delete(listener)
        }
    }

    /** A track of the picture. `openCamera` is asked where the source is the camera, and may refuse. */
    async open(openCamera: () => Promise<MediaStream | null>): Promise<MediaStreamTrack> {
        this.#openCamera = openCamera
        await this.#prepare()
        const isOwn = this.#isUntouched
        const track = isOwn ? this.#camera?.track.clone() : this.#canvas.captureStream(FRAMES_PER_S).getVideoTracks()[0]
        if (track === undefined) throw new DOMException('the canvas gives no track', 'NotReadableError')
        this.#tracks.set(track, isOwn)
        this.#ticker ??= this.#tick()
        this.#draw()
        return track
    }

    get #isUntouched(): boolean {
        return this.#source === 'camera' && this.#camera !== null && !this.#isFrozen && !this.#isBlack
    }

    #changed(): void {
        if (![...this.#tracks.values()].some((isOwn) => isOwn !== this.#isUntouched)) return
        for (const listener of [...this.#listeners]) listener()
    }

    async #prepare(): Promise<void> {
        if (this.#source !== 'camera' || this.#camera !== null) return
        const stream = await this.#openCamera()
        const [track] = stream?.getVideoTracks() ?? []
        if (track === undefined) return
        // Another source was chosen, or another track opened it, while the browser asked.
        if (this.source !== 'camera' || this.#camera !== null) return track.stop()
        const video = document.createElement('video')
        video.muted = true
        video.playsInline = true
        video.srcObject = new MediaStream([track])
        this.#camera = { track, video }
        await video.play().catch((error) => {
            // Closed while it began to play, it is not missed.
            if (this.#camera?.video === video) throw error
        })
    }

    #tick(): Worker {
        const ticker = new Worker(new URL('./ticker.ts', import.meta.url), { type: 'module' })
        ticker.onmessage = () => this.#look()
        return ticker
    }

    /** Paints for those who take the canvas; nobody tells that a track is taken no more. */
    #look(): void {
        for (const track of this.#tracks.keys()) if (track.readyState === 'ended') this.#tracks.delete(track)
        if (this.#tracks.size === 0) return this.#close()
        if ([...this.#tracks.values()].includes(false)) this.#draw()
    }

    #draw(): void {
        const context = this.#canvas.getContext('2d')
        if (context === null || this.#isFrozen) return
        if (this.#isBlack) drawBlack(context)
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
        this.#camera.track.stop()
        this.#camera.video.srcObject = null
        this.#camera = null
    }
}

/** Fills the canvas with the picture of the camera, its edges cut. */
function cover(context: CanvasRenderingContext2D, video: HTMLVideoElement): void {
    const { width, height } = context.canvas
    const scale = Math.max(width / (video.videoWidth || width), height / (video.videoHeight || height))
    const [w, h] = [video.videoWidth * scale, video.videoHeight * scale]
    context.drawImage(video, (width - w) / 2, (height - h) / 2, w, h)
}
