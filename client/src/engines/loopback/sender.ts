/** The host's side of one peer connection: camera and microphone to one member of the channel. */

import type { VideoLayer } from '../../viewer/video_engine.ts'
import type { Signal } from './messages.ts'

/** Each receiver has a connection of its own, so its layer is how this one encodes. */
const ENCODINGS: Record<VideoLayer, { scaleResolutionDownBy: number; maxBitrate: number }> = {
    high: { scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
    low: { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
}

export interface SenderTracks {
    video: MediaStreamTrack | null
    audio: MediaStreamTrack | null
}

export class Sender {
    readonly id: string
    readonly #connection: RTCPeerConnection = new RTCPeerConnection()
    readonly #signal: (signal: Signal) => void
    readonly #video: RTCRtpSender
    readonly #audio: RTCRtpSender
    #layer: VideoLayer
    /** Signals are followed one after the other. */
    #work: Promise<void> = Promise.resolve()

    constructor(id: string, layer: VideoLayer, tracks: SenderTracks, signal: (signal: Signal) => void) {
        this.id = id
        this.#layer = layer
        this.#signal = signal
        this.#connection.onicecandidate = ({ candidate }) => {
            if (candidate !== null) signal({ kind: 'candidate', id, candidate: candidate.toJSON() })
        }
        const stream = new MediaStream()
        const direction = 'sendonly'
        const sendEncodings = [ENCODINGS[layer]]
        const { video, audio } = tracks
        this.#video = this.#connection.addTransceiver(video ?? 'video', {
            direction,
            streams: [stream],
            sendEncodings,
        }).sender
        this.#audio = this.#connection.addTransceiver(audio ?? 'audio', { direction, streams: [stream] }).sender
        this.#after(() => this.#offer())
    }

    setTracks({ video, audio }: SenderTracks): void {
        this.#after(() => this.#video.replaceTrack(video))
        this.#after(() => this.#audio.replaceTrack(audio))
    }

    setLayer(layer: VideoLayer): void {
        if (layer === this.#layer) return
        this.#layer = layer
        this.#after(async () => {
            const parameters = this.#video.getParameters()
            parameters.encodings = parameters.encodings.map((encoding) => ({ ...encoding, ...ENCODINGS[layer] }))
            await this.#video.setParameters(parameters)
        })
    }

    follow(signal: Signal): void {
        if (signal.kind === 'answer')
            this.#after(() => this.#connection.setRemoteDescription({ type: 'answer', sdp: signal.sdp }))
        else if (signal.kind === 'candidate') this.#after(() => this.#connection.addIceCandidate(signal.candidate))
        else if (signal.kind === 'layer') this.setLayer(signal.layer)
    }

    stats(): Promise<RTCStatsReport> {
        return this.#connection.getStats()
    }

    close(): void {
        this.#connection.onicecandidate = null
        this.#connection.close()
    }

    async #offer(): Promise<void> {
        await this.#connection.setLocalDescription()
        const sdp = this.#connection.localDescription?.sdp ?? ''
        this.#signal({ kind: 'offer', id: this.id, sdp })
    }

    #after(step: () => Promise<void>): void {
        // A step fails when the connection was closed meanwhile; the receiver asks again where it misses something.
        this.#work = this.#work.then(step).catch(() => {})
    }
}
