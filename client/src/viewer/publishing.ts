/** What a seller asks of a viewer: preview, going live, camera and microphone, and the end of it. */

import { StreamError } from '../error/stream_error.ts'
import type { ViewerFacts } from './facts.ts'
import type { Until } from './until.ts'
import type { LocalSource } from './video_engine.ts'

export interface PublishingOptions {
    facts: () => ViewerFacts
    set: (change: Partial<ViewerFacts>) => void
    until: Until
}

export class Publishing {
    readonly #options: PublishingOptions

    constructor(options: PublishingOptions) {
        this.#options = options
    }

    /** Camera and microphone for their owner alone; asks for permission where it has none. */
    startPreview(): Promise<void> {
        return this.#want('preview', ({ isPreviewing }) => isPreviewing)
    }

    /** Sends; resolves once the channel has it and the stream is told. */
    goLive(): Promise<void> {
        return this.#want('live', (facts) => {
            const isTold = facts.streamState !== null && facts.streamState !== 'initializing'
            return facts.isPublished && (isTold || facts.isAnnounced)
        })
    }

    /** Nothing is sent, and the devices are let go of. The stream goes on until it is ended. */
    stop(): Promise<void> {
        this.#options.until.reject(new StreamError('aborted', 'the video was stopped'))
        return this.#want('nothing', ({ channel, isPreviewing }) => channel === 'out' && !isPreviewing)
    }

    setDevice(source: LocalSource, isOn: boolean): Promise<void> {
        const { facts, set, until } = this.#options
        set({ wantedDevices: { ...facts().wantedDevices, [source]: isOn } })
        // An engine is told when there is one.
        return until.wait(facts(), ({ toldDevices, isPreviewing, wantedDevices }) => {
            return !isPreviewing || toldDevices[source] === wantedDevices[source]
        })
    }

    /** Takes devices again that a call, or the system, has taken. */
    takeDevicesBack(): void {
        const { facts, set } = this.#options
        const { devices, toldDevices } = facts()
        const again = (source: LocalSource) => (devices[source] === 'interrupted' ? null : toldDevices[source])
        const next = { camera: again('camera'), microphone: again('microphone') }
        if (next.camera !== toldDevices.camera || next.microphone !== toldDevices.microphone) set({ toldDevices: next })
    }

    #want(wants: ViewerFacts['wants'], isReached: (facts: ViewerFacts) => boolean): Promise<void> {
        const { facts, set, until } = this.#options
        if (facts().role !== 'seller') {
            return Promise.reject(new StreamError('not_stream_owner', 'only the seller of a stream sends video'))
        }
        if (!facts().isStarted) return Promise.reject(new StreamError('disposed', 'the viewer is not started'))
        const { permission, end, error } = facts()
        if (end !== null && wants !== 'nothing') {
            return Promise.reject(error ?? new StreamError('stream_ended', 'the stream has ended'))
        }
        // Whoever asks again may have been allowed since.
        set({ wants, ...(permission === 'denied' && wants !== 'nothing' && { permission: 'unknown' }) })
        return until.wait(facts(), isReached)
    }
}
