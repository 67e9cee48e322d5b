/** The stream viewer without a screen: it brings the video of a stream into a view, and back whenever it is lost. */

import type { StreamClient } from '../client.ts'
import { Emitter, type Unsubscribe } from '../emitter/emitter.ts'
import { ViewerMachine } from './machine.ts'
import type { AudioRoute, VideoViewOptions } from './video_engine.ts'
import type { StreamViewerOptions } from './viewer_options.ts'
import type { StreamQuality, StreamViewerEvents, StreamViewerSnapshot } from './viewer_types.ts'

export class StreamViewer<View = unknown> {
    readonly #emitter = new Emitter<StreamViewerEvents>()
    readonly #machine: ViewerMachine<View>
    #disposed: Promise<void> | null = null

    constructor(client: StreamClient, options: StreamViewerOptions<View>) {
        this.#machine = new ViewerMachine(client, options, this.#emitter)
    }

    /** The same object until something changes. */
    get snapshot(): StreamViewerSnapshot {
        return this.#machine.snapshot
    }

    on<Name extends keyof StreamViewerEvents>(
        name: Name,
        listener: (event: StreamViewerEvents[Name]) => void
    ): Unsubscribe {
        return this.#emitter.on(name, listener)
    }

    /**
     * Joins the stream: a buyer watches from now on, a seller can show a preview and go live. Later calls do nothing.
     * Throws `disposed` where the client was disposed of.
     */
    start(): void {
        this.#machine.start(() => void this.dispose())
    }

    /** Ends everything: channel, devices, timers, listeners. The last event is that it is idle, and nothing is emitted after it. */
    dispose(): Promise<void> {
        if (this.#disposed !== null) return this.#disposed
        let done: () => void = () => {}
        this.#disposed = new Promise((resolve) => {
            done = resolve
        })
        void this.#machine.dispose().finally(() => done())
        this.#emitter.clear()
        return this.#disposed
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.dispose()
    }

    /** Shows the video, or the seller's preview, in a view; another one takes its place. */
    attach(view: View, options: Partial<VideoViewOptions> = {}): void {
        if (this.#disposed !== null) return
        this.#machine.view.attach(view, options)
        this.#machine.set({ hasView: true, isViewVisible: true })
    }

    detach(): void {
        this.#machine.view.detach()
        this.#machine.set({ hasView: false })
    }

    /** Which of the sender's layers is received. */
    setQuality(quality: StreamQuality): void {
        this.#machine.setQuality(quality)
    }

    /** Whether `setMuted` switched the viewer's own sound off. */
    get isMuted(): boolean {
        return this.#machine.facts.isMuted
    }

    /** The viewer's own sound. */
    setMuted(isMuted: boolean): void {
        const { facts, seat } = this.#machine
        this.#machine.set({ isMuted })
        if (facts.subscribed !== null) seat.current?.setVolume(facts.subscribed, isMuted ? 0 : 1)
    }

    async setAudioRoute(audioRoute: AudioRoute): Promise<void> {
        this.#machine.set({ audioRoute })
        const { facts, seat } = this.#machine
        if (facts.capabilities?.audioRoutes === true) await seat.current?.setAudioRoute(audioRoute)
    }

    /** Starts the sound that a browser has blocked; to be called from a touch. */
    async resumeAudio(): Promise<void> {
        await this.#machine.seat.current?.resumeAudio()
    }

    /** Begins again after `failed`, `taken_over` or `permission_denied`; ends a pause of recovery. */
    retry(): void {
        this.#machine.retry()
    }

    /** Camera and microphone for their owner alone; asks for permission where it has none. */
    startPreview(): Promise<void> {
        return this.#machine.publishing.startPreview()
    }

    /** Camera and microphone to everybody; resolves once they are sent and the stream is told, however long that takes. */
    goLive(): Promise<void> {
        return this.#machine.publishing.goLive()
    }

    setCamera(isOn: boolean): Promise<void> {
        return this.#machine.publishing.setDevice('camera', isOn)
    }

    setMicrophone(isOn: boolean): Promise<void> {
        return this.#machine.publishing.setDevice('microphone', isOn)
    }

    async switchCamera(): Promise<void> {
        if (this.#machine.facts.isPreviewing) await this.#machine.seat.current?.switchCamera()
    }

    /** Sends nothing any more and lets go of the devices; the stream itself is ended by `endStream`. */
    stop(): Promise<void> {
        return this.#machine.publishing.stop()
    }
}
