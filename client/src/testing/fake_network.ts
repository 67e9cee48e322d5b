/** Channels in memory: who sends video in them, and what each sender's picture is like. */

import { Emitter, type Unsubscribe } from '../emitter/emitter.ts'
import type { RemoteVideoReason, RemoteVideoState } from '../viewer/video_engine.ts'

/** What a sender sends at one moment. */
export interface FakePicture {
    isCameraOn: boolean
    isMicrophoneOn: boolean
    /** Frames stop, and nobody is told. */
    isFrozen: boolean
    /** Mean luma, 0 to 1. */
    brightness: number
    width: number
    height: number
}

export interface FakeChannelEvents {
    joined: { uid: number }
    left: { uid: number }
    video: { uid: number; state: RemoteVideoState; reason: RemoteVideoReason }
    audio: { uid: number; isOn: boolean }
    size: { uid: number; width: number; height: number }
}

/** A phone's camera, upright. */
export const PICTURE: FakePicture = {
    isCameraOn: true,
    isMicrophoneOn: true,
    isFrozen: false,
    brightness: 0.5,
    width: 720,
    height: 1280,
}

/** Somebody who sends in a channel: a script of a test, or a `FakeEngine` that publishes. */
export class FakeSender {
    readonly uid: number
    readonly picture: FakePicture
    readonly #channel: FakeChannel

    constructor(uid: number, channel: FakeChannel, picture: Partial<FakePicture> = {}) {
        this.uid = uid
        this.#channel = channel
        this.picture = { ...PICTURE, ...picture }
    }

    /** Frames stop, or go on, without a word. */
    freeze(isFrozen = true): void {
        this.picture.isFrozen = isFrozen
    }

    /** The picture turns black though frames go on, as with a camera that is covered or switched off in the browser. */
    black(isBlack = true): void {
        this.picture.brightness = isBlack ? 0 : PICTURE.brightness
    }

    /** The camera is switched off or on, and everybody is told. */
    setCamera(isOn: boolean): void {
        this.picture.isCameraOn = isOn
        const { uid } = this
        this.#channel.events.emit(
            'video',
            isOn ? { uid, state: 'decoding', reason: 'unmuted' } : { uid, state: 'stopped', reason: 'muted' }
        )
    }

    setMicrophone(isOn: boolean): void {
        this.picture.isMicrophoneOn = isOn
        this.#channel.events.emit('audio', { uid: this.uid, isOn })
    }

    /** The SDK's own word about this sender's video, without any change of it. */
    tell(state: RemoteVideoState, reason: RemoteVideoReason = 'unknown'): void {
        this.#channel.events.emit('video', { uid: this.uid, state, reason })
    }

    /** The phone is turned. */
    rotate(): void {
        const { width, height } = this.picture
        Object.assign(this.picture, { width: height, height: width })
        this.#channel.events.emit('size', { uid: this.uid, width: height, height: width })
    }

    leave(): void {
        this.#channel.remove(this)
    }
}

export class FakeChannel {
    readonly events: Emitter<FakeChannelEvents> = new Emitter()
    readonly senders: Map<number, FakeSender> = new Map()
    /** Uids that are in the channel, senders or not. */
    readonly members: Set<number> = new Set()

    /** A sender comes in; one of the same uid is replaced. */
    add(uid: number, picture?: Partial<FakePicture>): FakeSender {
        const sender = new FakeSender(uid, this, picture)
        this.senders.set(uid, sender)
        this.events.emit('joined', { uid })
        return sender
    }

    remove(sender: FakeSender): void {
        if (this.senders.get(sender.uid) !== sender) return
        this.senders.delete(sender.uid)
        this.events.emit('left', { uid: sender.uid })
    }

    listen(listeners: { [Name in keyof FakeChannelEvents]: (event: FakeChannelEvents[Name]) => void }): Unsubscribe {
        const ends = (Object.keys(listeners) as (keyof FakeChannelEvents)[]).map((name) =>
            this.events.on(name, (event) => (listeners[name] as (event: unknown) => void)(event))
        )
        return () => {
            for (const end of ends) end()
        }
    }
}

/** What a join gets when the network looks at its token. */
export type FakeTokenVerdict = 'ok' | 'token_expired' | 'token_invalid'

/** All channels of a test. Engines of one network see each other. */
export class FakeVideoNetwork {
    readonly #channels = new Map<string, FakeChannel>()
    /** Judges the tokens of joins and renewals; accepts all of them until a test puts its own in. */
    judge: (token: string, channelId: string, uid: number) => FakeTokenVerdict = () => 'ok'

    channel(channelId: string): FakeChannel {
        const channel = this.#channels.get(channelId) ?? new FakeChannel()
        this.#channels.set(channelId, channel)
        return channel
    }

    /** A host who sends in a channel without an engine of its own. */
    host(channelId: string, uid: number, picture?: Partial<FakePicture>): FakeSender {
        return this.channel(channelId).add(uid, picture)
    }
}
