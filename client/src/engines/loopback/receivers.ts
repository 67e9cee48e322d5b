/** The connections of a viewer to the hosts of the channel: which there are, which are wanted, and what they send. */

import type { Emitter } from '../../emitter/emitter.ts'
import type { VideoEngineEvents, VideoLayer } from '../../viewer/video_engine.ts'
import type { Peer, Signal } from './messages.ts'
import { Receiver } from './receiver.ts'

interface Host {
    /** What it sends, as far as it said. */
    sends: { video: boolean; audio: boolean } | null
    receiver: Receiver | null
}

export interface ReceiversOptions {
    events: Emitter<VideoEngineEvents>
    signal(to: number, signal: Signal): void
    /** The picture of a host, to be drawn; null: there is none. */
    show(uid: number, stream: MediaStream | null): void
}

export class Receivers {
    readonly #options: ReceiversOptions
    readonly #hosts = new Map<number, Host>()
    readonly #wanted = new Map<number, VideoLayer>()

    constructor(options: ReceiversOptions) {
        this.#options = options
    }

    /** After a join: those whom the server knows. Connections of the time before are made anew. */
    reset(peers: Peer[]): void {
        const present = new Set(peers.filter(({ role }) => role === 'host').map(({ uid }) => uid))
        for (const uid of [...this.#hosts.keys()]) {
            if (!present.has(uid)) this.left(uid)
            else if (this.#wanted.has(uid)) this.#request(uid)
        }
        for (const uid of present) this.joined(uid)
    }

    joined(uid: number): void {
        if (this.#hosts.has(uid)) return
        this.#hosts.set(uid, { sends: null, receiver: null })
        this.#options.events.emit('remoteJoined', { uid })
        // Unless a listener has asked for it just now.
        if (this.#wanted.has(uid) && this.#hosts.get(uid)?.receiver === null) this.#request(uid)
    }

    left(uid: number): void {
        const host = this.#hosts.get(uid)
        if (host === undefined) return
        this.#drop(uid, host, false)
        this.#hosts.delete(uid)
        this.#options.events.emit('remoteVideo', { uid, state: 'stopped', reason: 'left' })
        this.#options.events.emit('remoteLeft', { uid })
    }

    /** Also of a host that is still to come. */
    subscribe(uid: number): void {
        if (this.#wanted.has(uid) && this.#hosts.get(uid)?.receiver) return
        this.#wanted.set(uid, this.#wanted.get(uid) ?? 'high')
        if (this.#hosts.has(uid)) this.#request(uid)
    }

    unsubscribe(uid: number): void {
        this.#wanted.delete(uid)
        const host = this.#hosts.get(uid)
        if (host !== undefined) this.#drop(uid, host, true)
    }

    setLayer(uid: number, layer: VideoLayer): void {
        if (this.#wanted.get(uid) === layer) return
        this.#wanted.set(uid, layer)
        this.#hosts.get(uid)?.receiver?.setLayer(layer)
    }

    follow(from: number, signal: Signal): void {
        const host = this.#hosts.get(from)
        if (host === undefined) return
        if (signal.kind === 'sends') this.#sends(from, host, signal)
        else if (signal.id === host.receiver?.id) host.receiver.follow(signal)
    }

    /** Every connection ends without a word, as when the network is cut. */
    cut(): void {
        for (const host of this.#hosts.values()) host.receiver?.close(false)
    }

    clear(): void {
        this.#wanted.clear()
        for (const [uid, host] of this.#hosts) this.#drop(uid, host, true)
        this.#hosts.clear()
    }

    stats(): Promise<RTCStatsReport[]> {
        const receivers = [...this.#hosts.values()].flatMap(({ receiver }) => (receiver === null ? [] : [receiver]))
        return Promise.all(receivers.map((receiver) => receiver.stats()))
    }

    #request(uid: number): void {
        const host = this.#hosts.get(uid)
        if (host === undefined) return
        this.#drop(uid, host, false)
        const { events, signal, show } = this.#options
        host.receiver = new Receiver(this.#wanted.get(uid) ?? 'high', {
            signal: (data) => signal(uid, data),
            video: (state, reason) => {
                // A camera that is off sends nothing either, and that was said already.
                if (state !== 'frozen' || host.sends?.video !== false)
                    events.emit('remoteVideo', { uid, state, reason })
            },
            audio: (isOn) => events.emit('remoteAudio', { uid, isOn }),
        })
        show(uid, host.receiver.stream)
    }

    #drop(uid: number, host: Host, isTold: boolean): void {
        if (host.receiver === null) return
        host.receiver.close(isTold)
        host.receiver = null
        this.#options.show(uid, null)
    }

    #sends(uid: number, host: Host, { video, audio }: { video: boolean; audio: boolean }): void {
        const before = host.sends
        host.sends = { video, audio }
        const { events } = this.#options
        if (!video && before?.video !== false) events.emit('remoteVideo', { uid, state: 'stopped', reason: 'muted' })
        if (video && before?.video === false) events.emit('remoteVideo', { uid, state: 'starting', reason: 'unmuted' })
        if (audio !== before?.audio) events.emit('remoteAudio', { uid, isOn: audio })
    }
}
