/** One topic of Realtime, shared by all who hold it: its channel, and how far it has come. */

import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'
import { Emitter } from '../emitter/emitter.ts'
import type { RealtimeChannelLike, RealtimeLike } from '../supabase.ts'
import { type Loss, lossOfError } from './loss.ts'

/** `ready`: database broadcasts arrive. `unconfirmed`: joined, and the server did not say whether they do. */
export type ChannelStatus = 'down' | 'joining' | 'ready' | 'unconfirmed'

export interface ChannelEvents {
    broadcast: { event: string; payload: unknown }
    ready: { isConfirmed: boolean }
    lost: Loss
}

/** SUBSCRIBED only means joined; the server says this once rows written by the database reach the channel. */
const REPLICATION_READY = 'Replication connection established'

/** Servers before mid-2026 never say it. */
const CONFIRMED_WITHIN_MS = 5_000

export class SharedChannel {
    readonly topic: string
    readonly emitter: Emitter<ChannelEvents> = new Emitter<ChannelEvents>()
    holders = 0
    /** Why it is down; null until it was up. */
    loss: Loss | null = null
    readonly #realtime: RealtimeLike
    readonly #unconfirmed: Timer
    #channel: RealtimeChannelLike | null = null
    #status: ChannelStatus = 'down'
    /** What the server said right before it closed the channel. */
    #said: string | undefined

    constructor(topic: string, realtime: RealtimeLike, clock: Clock) {
        this.topic = topic
        this.#realtime = realtime
        this.#unconfirmed = new Timer(clock)
    }

    get status(): ChannelStatus {
        return this.#status
    }

    /** Joins the topic unless that is done or under way. Realtime must have a token by then. */
    join(): void {
        if (this.#channel) return
        this.#status = 'joining'
        this.#said = undefined
        const channel = this.#realtime.channel(this.topic, {
            config: { private: true, broadcast: { replication_ready: true } },
        })
        this.#channel = channel
        channel.on('broadcast', { event: '*' }, ({ event, payload }) => {
            if (channel === this.#channel) this.emitter.emit('broadcast', { event, payload })
        })
        channel.on('system', {}, ({ status, message }) => {
            if (channel !== this.#channel) return
            if (status === 'ok' && message === REPLICATION_READY) this.#reached('ready')
            else if (status !== 'ok') this.#said = message
        })
        try {
            channel.subscribe((status, error) => {
                if (channel === this.#channel) this.#report(status, error)
            })
        } catch (thrown) {
            this.drop({ kind: 'socket', message: String(thrown) })
        }
    }

    /** Leaves the topic; whoever holds it hears why. */
    drop(loss: Loss): void {
        const channel = this.#channel
        if (!channel) return
        this.#channel = null
        this.#status = 'down'
        this.#unconfirmed.stop()
        this.loss = loss
        // Without a reply it is over all the same: supabase-js removes it at once.
        Promise.resolve(channel.unsubscribe()).catch(() => {})
        this.emitter.emit('lost', loss)
    }

    #report(status: string, error: Error | undefined): void {
        if (status === 'SUBSCRIBED') {
            this.#unconfirmed.set(CONFIRMED_WITHIN_MS, () => this.#reached('unconfirmed'))
        } else if (status === 'TIMED_OUT') {
            this.drop({ kind: 'timeout' })
        } else if (status === 'CLOSED') {
            this.drop({ kind: 'closed', message: this.#said })
        } else {
            this.drop(lossOfError(error))
        }
    }

    #reached(status: 'ready' | 'unconfirmed'): void {
        if (this.#status === 'ready' || this.#status === status) return
        this.#unconfirmed.stop()
        this.#status = status
        this.emitter.emit('ready', { isConfirmed: status === 'ready' })
    }
}
