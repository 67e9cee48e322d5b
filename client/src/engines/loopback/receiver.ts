/** The receiving side of one peer connection: asks a host for its picture and sound, and holds them. */

import { systemRandom } from '../../random/random.ts'
import type { RemoteVideoReason, RemoteVideoState, VideoLayer } from '../../viewer/video_engine.ts'
import type { Signal } from './messages.ts'

export interface ReceiverEvents {
    signal(signal: Signal): void
    video(state: RemoteVideoState, reason: RemoteVideoReason): void
    audio(isOn: boolean): void
}

export class Receiver {
    /** Pages of plain http, as phones of the local network see, have no `crypto.randomUUID`. */
    readonly id: string = systemRandom.uuid()
    readonly stream: MediaStream = new MediaStream()
    readonly #connection: RTCPeerConnection = new RTCPeerConnection()
    readonly #events: ReceiverEvents
    #work: Promise<void> = Promise.resolve()

    constructor(layer: VideoLayer, events: ReceiverEvents) {
        this.#events = events
        const connection = this.#connection
        connection.onicecandidate = ({ candidate }) => {
            if (candidate !== null) events.signal({ kind: 'candidate', id: this.id, candidate: candidate.toJSON() })
        }
        connection.onconnectionstatechange = () => {
            if (connection.connectionState === 'failed') events.video('failed', 'unknown')
        }
        connection.ontrack = ({ track }) => this.#add(track)
        events.signal({ kind: 'subscribe', id: this.id, layer })
    }

    setLayer(layer: VideoLayer): void {
        this.#events.signal({ kind: 'layer', id: this.id, layer })
    }

    follow(signal: Signal): void {
        if (signal.kind === 'offer') this.#after(() => this.#answer(signal.sdp))
        else if (signal.kind === 'candidate') this.#after(() => this.#connection.addIceCandidate(signal.candidate))
    }

    stats(): Promise<RTCStatsReport> {
        return this.#connection.getStats()
    }

    /** Ends it; the sender is told unless it is gone. */
    close(isTold: boolean): void {
        if (isTold) this.#events.signal({ kind: 'unsubscribe', id: this.id })
        const connection = this.#connection
        connection.onicecandidate = null
        connection.onconnectionstatechange = null
        connection.ontrack = null
        for (const track of this.stream.getTracks()) {
            track.onmute = null
            track.onunmute = null
            this.stream.removeTrack(track)
        }
        connection.close()
    }

    #add(track: MediaStreamTrack): void {
        this.stream.addTrack(track)
        if (track.kind === 'audio') {
            track.onmute = () => this.#events.audio(false)
            track.onunmute = () => this.#events.audio(true)
            return
        }
        this.#events.video('starting', 'unknown')
        // The browser mutes a track whose packets do not come.
        track.onmute = () => this.#events.video('frozen', 'congestion')
        track.onunmute = () => this.#events.video('decoding', 'recovered')
    }

    async #answer(sdp: string): Promise<void> {
        await this.#connection.setRemoteDescription({ type: 'offer', sdp })
        await this.#connection.setLocalDescription()
        const answer = this.#connection.localDescription?.sdp ?? ''
        this.#events.signal({ kind: 'answer', id: this.id, sdp: answer })
    }

    #after(step: () => Promise<void>): void {
        this.#work = this.#work.then(step).catch(() => {})
    }
}
