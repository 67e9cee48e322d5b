/** A viewer that does nothing by itself: a test says what it shows and reads what it was told. In place of `stream_viewer.ts`. */

import type { StreamClient } from '../../src/client.ts'
import { Emitter, type Unsubscribe } from '../../src/emitter/emitter.ts'
import type { StreamError } from '../../src/error/stream_error.ts'
import type { AudioRoute, VideoViewOptions } from '../../src/viewer/video_engine.ts'
import type { StreamViewerOptions } from '../../src/viewer/viewer_options.ts'
import type { StreamQuality, StreamViewerEvents, StreamViewerSnapshot } from '../../src/viewer/viewer_types.ts'

/** Every viewer that was made, the newest last. */
export const viewers: StreamViewer[] = []

export class StreamViewer {
    readonly options: StreamViewerOptions
    readonly calls: string[] = []
    readonly events: Emitter<StreamViewerEvents> = new Emitter()
    /** Every view that was attached, and null for each time that it was taken out. */
    readonly views: [unknown, Partial<VideoViewOptions>][] = []
    view: unknown = null
    listeners = 0
    snapshot: StreamViewerSnapshot
    isMuted = false
    isDisposed = false

    constructor(_: StreamClient, options: StreamViewerOptions) {
        this.options = options
        this.snapshot = snapshotOf(options)
        viewers.push(this)
    }

    show(changes: Partial<StreamViewerSnapshot>): void {
        this.snapshot = { ...this.snapshot, ...changes }
        this.events.emit('change', this.snapshot)
    }

    fail(error: StreamError): void {
        this.show({ phase: 'failed', error })
        this.events.emit('error', error)
    }

    on<Name extends keyof StreamViewerEvents>(
        name: Name,
        listener: (event: StreamViewerEvents[Name]) => void
    ): Unsubscribe {
        this.listeners++
        const end = this.events.on(name, listener)
        return () => {
            this.listeners--
            end()
        }
    }

    start(): void {
        this.calls.push('start')
    }

    async dispose(): Promise<void> {
        this.calls.push('dispose')
        this.isDisposed = true
    }

    attach(view: unknown, options: Partial<VideoViewOptions> = {}): void {
        this.view = view
        this.views.push([view, options])
    }

    detach(): void {
        this.view = null
        this.views.push([null, {}])
    }

    setQuality(quality: StreamQuality): void {
        this.calls.push(`quality ${quality}`)
        this.show({ streamQuality: quality })
    }

    setMuted(isMuted: boolean): void {
        this.calls.push(`muted ${isMuted}`)
        this.isMuted = isMuted
    }

    setAudioRoute(route: AudioRoute): void {
        this.calls.push(`route ${route}`)
    }

    async resumeAudio(): Promise<void> {
        this.calls.push('resume audio')
    }

    retry(): void {
        this.calls.push('retry')
    }

    async startPreview(): Promise<void> {
        this.calls.push('preview')
    }

    async setCamera(isOn: boolean): Promise<void> {
        this.calls.push(`camera ${isOn}`)
    }
}

function snapshotOf({ sessionId, userRole, quality = 'auto' }: StreamViewerOptions): StreamViewerSnapshot {
    return {
        sessionId,
        userRole,
        phase: 'token',
        connectionState: 'connecting',
        streamState: null,
        videoEnabled: false,
        audioEnabled: true,
        streamQuality: quality,
        layer: null,
        error: null,
        hostUid: null,
        size: null,
        quality: null,
        hostQuality: null,
        audioBlocked: false,
        audioRoute: 'default',
        recovering: null,
        firstFrameMs: null,
        reconnectDeadline: null,
    }
}
