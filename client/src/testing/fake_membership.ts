/** The place of a fake engine in a channel: joining, what it hears of others, and what it sends. */

import type { Clock } from '../clock/clock.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import type { VideoEngineEvents, VideoJoin } from '../viewer/video_engine.ts'
import { type FakeFaults, type FakeJoinAnswer, mend } from './fake_faults.ts'
import type { FakeChannel, FakePicture, FakeSender, FakeVideoNetwork } from './fake_network.ts'
import type { FakeScreen } from './fake_screen.ts'

export interface FakeMembershipOptions {
    clock: Clock
    network: FakeVideoNetwork
    joinMs: number
    faults: FakeFaults
    screen: () => FakeScreen
    emit: <Name extends keyof VideoEngineEvents>(name: Name, event: VideoEngineEvents[Name]) => void
}

interface Joined {
    channel: FakeChannel
    uid: number
    role: VideoJoin['role']
    end: Unsubscribe
}

export class FakeMembership {
    sender: FakeSender | null = null
    /** Joins that came while another was under way or done: the SDKs break on them. */
    doubleJoins = 0
    readonly #options: FakeMembershipOptions
    #isJoining = false
    #hasJoined = false
    #joined: Joined | null = null

    constructor(options: FakeMembershipOptions) {
        this.#options = options
    }

    get isJoined(): boolean {
        return this.#joined !== null
    }

    picture(uid: number): FakePicture | undefined {
        return this.#joined?.channel.senders.get(uid)?.picture
    }

    async join(join: VideoJoin): Promise<void> {
        const { network, clock, joinMs, faults, emit } = this.#options
        if (this.#isJoining || this.#joined) {
            this.doubleJoins++
            throw new Error('INVALID_OPERATION')
        }
        this.#isJoining = true
        emit('connection', { state: 'connecting', reason: 'joining' })
        try {
            const planned = faults.joins.shift() ?? 'ok'
            await pause(clock, planned === 'silence' ? null : joinMs, join.signal)
            const isOpen = planned === 'ok' || planned === 'silence'
            const answer = isOpen ? network.judge(join.token, join.channelId, join.uid) : planned
            if (answer !== 'ok') throw this.#refusal(answer)
            if (this.#hasJoined) mend(faults, 'rejoin')
            this.#hasJoined = true
            this.#enter(network.channel(join.channelId), join)
        } finally {
            this.#isJoining = false
        }
    }

    publish(picture: Partial<FakePicture>): void {
        const joined = this.#joined
        if (joined?.role !== 'host') throw new Error('INVALID_OPERATION')
        this.sender = joined.channel.add(joined.uid, picture)
    }

    unpublish(): void {
        this.sender?.leave()
        this.sender = null
    }

    leave(): void {
        this.unpublish()
        this.#options.screen().clear()
        if (this.#joined === null) return
        this.#joined.end()
        this.#joined.channel.members.delete(this.#joined.uid)
        this.#joined = null
        // The SDKs tell of their own leave too.
        this.#options.emit('connection', { state: 'disconnected', reason: 'left' })
    }

    #refusal(answer: Exclude<FakeJoinAnswer, 'ok' | 'silence'>): Error {
        this.#options.emit('connection', { state: 'failed', reason: answer })
        return new Error(answer)
    }

    #enter(channel: FakeChannel, { uid, role }: VideoJoin): void {
        const { emit, screen } = this.#options
        const others =
            <Event extends { uid: number }>(run: (event: Event) => void) =>
            (event: Event) => {
                if (event.uid !== uid) run(event)
            }
        const end = channel.listen({
            joined: others(({ uid: other }) => emit('remoteJoined', { uid: other })),
            left: others(({ uid: other }) => {
                screen().forget(other)
                emit('remoteLeft', { uid: other })
            }),
            video: others((event) => emit('remoteVideo', event)),
            audio: others((event) => emit('remoteAudio', event)),
            size: others((event) => screen().subscribed.has(event.uid) && emit('size', event)),
        })
        channel.members.add(uid)
        this.#joined = { channel, uid, role, end }
        emit('connection', { state: 'connected', reason: 'joined' })
        for (const sender of channel.senders.values()) if (sender.uid !== uid) this.#meet(sender)
    }

    #meet({ uid, picture }: FakeSender): void {
        const { emit } = this.#options
        emit('remoteJoined', { uid })
        if (!picture.isCameraOn) emit('remoteVideo', { uid, state: 'stopped', reason: 'muted' })
        emit('remoteAudio', { uid, isOn: picture.isMicrophoneOn })
    }
}

/** Waits on the clock, or for ever; rejects at once when the signal is aborted. */
function pause(clock: Clock, ms: number | null, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const cancel = ms === null ? () => {} : clock.after(ms, resolve)
        const aborted = () => {
            cancel()
            reject(new Error('OPERATION_ABORTED'))
        }
        if (signal.aborted) aborted()
        else signal.addEventListener('abort', aborted, { once: true })
    })
}
