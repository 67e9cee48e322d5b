/** Channels by topic, counted by reference: several users of one client share the same join. */

import type { AccessTokens } from '../access/access_tokens.ts'
import { abortable } from '../clock/abortable.ts'
import type { Clock } from '../clock/clock.ts'
import type { TopicEvents, TopicKind } from '../contract/events.ts'
import { Emitter, endAll, type Unsubscribe } from '../emitter/emitter.ts'
import { abortedError } from '../error/stream_error.ts'
import type { RealtimeLike } from '../supabase.ts'
import { type ChannelStatus, SharedChannel } from './channel.ts'
import { errorOfLoss, type Loss } from './loss.ts'

/** What is heard on a topic: its events, `ready` when database broadcasts arrive, `lost` when they no longer do. */
export type LeaseEvents<Kind extends TopicKind> = TopicEvents[Kind] & {
    ready: { isConfirmed: boolean }
    lost: Loss
    /** Every broadcast, also of an event that this client does not know. */
    broadcast: { event: string; payload: unknown }
}

/** A holder's share of a topic. It is joined by `ensure()`, and left when its last holder lets go. */
export interface ChannelLease<Kind extends TopicKind> {
    readonly topic: string
    readonly status: ChannelStatus
    on<Name extends keyof LeaseEvents<Kind>>(
        name: Name,
        listener: (event: LeaseEvents<Kind>[Name]) => void
    ): Unsubscribe
    /** Joins the topic unless it is joined. */
    ensure(): void
    /** Resolves once database broadcasts arrive; rejects when the channel is lost before. */
    whenReady(signal?: AbortSignal): Promise<void>
    /** Lets go until the next `ensure`; nothing is heard meanwhile. */
    rest(): void
    leave(): void
}

export interface ChannelsOptions {
    realtime: RealtimeLike
    access: AccessTokens
    clock: Clock
}

const RESET: Loss = { kind: 'reset' }

export class Channels {
    readonly #options: ChannelsOptions
    readonly #shared = new Map<string, SharedChannel>()
    #preparedNo = 0
    /** The socket's end, which has to come before its next beginning. */
    #closing: Promise<unknown> = Promise.resolve()

    constructor(options: ChannelsOptions) {
        this.#options = options
    }

    /** A share of `kind:id`, not joined yet. */
    hold<Kind extends TopicKind>(kind: Kind, id?: string): ChannelLease<Kind> {
        const topic = id === undefined ? kind : `${kind}:${id.toLowerCase()}`
        const emitter = new Emitter<LeaseEvents<Kind>>()
        const emit = emitter.emit.bind(emitter) as (name: PropertyKey, event: unknown) => void
        let shared!: SharedChannel
        let ends: Unsubscribe[] = []
        let isHeld = false
        let take = () => {
            if (isHeld) return
            isHeld = true
            shared = this.#shared.get(topic) ?? this.#make(topic)
            shared.holders++
            ends = [
                shared.emitter.on('broadcast', (message) => {
                    emit('broadcast', message)
                    if (message.event !== 'ready' && message.event !== 'lost') emit(message.event, message.payload)
                }),
                shared.emitter.on('ready', (event) => emit('ready', event)),
                shared.emitter.on('lost', (event) => emit('lost', event)),
            ]
        }
        take()
        const rest = () => {
            if (!isHeld) return
            isHeld = false
            endAll(ends)
            this.#release(shared)
        }
        return {
            topic,
            get status() {
                return shared.status
            },
            on: (name, listener) => emitter.on(name, listener),
            ensure: () => {
                take()
                if (isHeld) shared.join()
            },
            whenReady: (signal) => whenReady(shared, signal),
            rest,
            leave: () => {
                take = () => {}
                emitter.clear()
                rest()
            },
        }
    }

    /**
     * Makes channels possible: a fresh token for Realtime and, once for each sleep, a new socket in the place of one that
     * may be dead without knowing it.
     */
    async prepare(sleepNo: number): Promise<void> {
        if (sleepNo !== this.#preparedNo) {
            this.#preparedNo = sleepNo
            for (const shared of this.#shared.values()) shared.drop(RESET)
            this.#closeUnused()
        }
        await Promise.all([this.#closing, this.#options.access.authorize()])
    }

    /** Lets go of every topic. */
    dispose(): void {
        for (const shared of [...this.#shared.values()]) {
            shared.holders = 1
            this.#release(shared)
        }
    }

    #make(topic: string): SharedChannel {
        const { realtime, clock } = this.#options
        const shared = new SharedChannel(topic, realtime, clock)
        this.#shared.set(topic, shared)
        // supabase-js opens a broken socket again after a second, without jitter; without channels it need not.
        shared.emitter.on('lost', ({ kind }) => {
            if (kind === 'socket') this.#closeUnused()
        })
        return shared
    }

    #release(shared: SharedChannel): void {
        if (--shared.holders > 0) return
        this.#shared.delete(shared.topic)
        shared.emitter.clear()
        shared.drop(RESET)
        if (this.#shared.size === 0) this.#closeUnused()
    }

    /** Closes the socket when nobody has a channel on it, the app itself included. */
    #closeUnused(): void {
        const { realtime } = this.#options
        if (realtime.getChannels().length > 0) return
        this.#closing = Promise.all([this.#closing, realtime.disconnect()]).catch(() => {})
    }
}

async function whenReady(shared: SharedChannel, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw abortedError(signal)
    if (shared.status === 'down') throw errorOfLoss(shared.loss ?? RESET)
    if (shared.status !== 'joining') return
    await abortable<void>(signal, (resolve, reject) => {
        const ends = [
            shared.emitter.on('ready', () => resolve()),
            shared.emitter.on('lost', (loss) => reject(errorOfLoss(loss))),
        ]
        return () => endAll(ends)
    })
}
