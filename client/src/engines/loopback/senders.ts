/** The host's connections: one for each member that asked for the picture, made once there is one to send. */

import type { VideoLayer } from '../../viewer/video_engine.ts'
import type { LocalMedia } from './local_media.ts'
import type { Signal } from './messages.ts'
import { Sender, type SenderTracks } from './sender.ts'

export class Senders {
    readonly #media: LocalMedia
    readonly #signal: (to: number, signal: Signal) => void
    /** Who wants the picture, also before it is published. */
    readonly #wishes = new Map<number, { id: string; layer: VideoLayer }>()
    readonly #senders = new Map<number, Sender>()
    #isPublishing = false
    #isFrozen = false

    constructor(media: LocalMedia, signal: (to: number, signal: Signal) => void) {
        this.#media = media
        this.#signal = signal
    }

    publish(): void {
        this.#isPublishing = true
        for (const uid of this.#wishes.keys()) this.#start(uid)
        this.update()
    }

    unpublish(): void {
        this.#isPublishing = false
        for (const uid of this.#wishes.keys()) this.#stop(uid)
        this.update()
    }

    /** Frames end without a word, as of a device that hangs. */
    freeze(isFrozen: boolean): void {
        this.#isFrozen = isFrozen
        this.update()
    }

    /** After the tracks have changed. */
    update(): void {
        for (const sender of this.#senders.values()) sender.setTracks(this.#tracks())
        for (const uid of this.#wishes.keys()) this.#tell(uid)
    }

    /** A member's signal about what it receives. */
    follow(from: number, signal: Signal): void {
        if (signal.kind === 'subscribe') {
            this.#stop(from)
            this.#wishes.set(from, { id: signal.id, layer: signal.layer })
            this.#tell(from)
            if (this.#isPublishing) this.#start(from)
            return
        }
        const wish = this.#wishes.get(from)
        if (!('id' in signal) || wish?.id !== signal.id) return
        if (signal.kind === 'unsubscribe') return this.forget(from)
        if (signal.kind === 'layer') wish.layer = signal.layer
        this.#senders.get(from)?.follow(signal)
    }

    /** A member is gone. */
    forget(uid: number): void {
        this.#wishes.delete(uid)
        this.#stop(uid)
    }

    clear(): void {
        for (const uid of [...this.#wishes.keys()]) this.forget(uid)
    }

    stats(): Promise<RTCStatsReport[]> {
        return Promise.all([...this.#senders.values()].map((sender) => sender.stats()))
    }

    #start(uid: number): void {
        const wish = this.#wishes.get(uid)
        if (wish === undefined) return
        this.#stop(uid)
        const sender = new Sender(wish.id, wish.layer, this.#tracks(), (signal) => this.#signal(uid, signal))
        this.#senders.set(uid, sender)
    }

    #stop(uid: number): void {
        this.#senders.get(uid)?.close()
        this.#senders.delete(uid)
    }

    #tell(uid: number): void {
        const video = this.#isPublishing && this.#media.video !== null
        const audio = this.#isPublishing && this.#media.audio !== null
        this.#signal(uid, { kind: 'sends', video, audio })
    }

    #tracks(): SenderTracks {
        return { video: this.#isFrozen ? null : this.#media.video, audio: this.#media.audio }
    }
}
