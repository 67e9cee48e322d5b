/** The state of a connection as it is shown: a reconnection that takes less than a second stays unseen. */

import type { Cancel, Clock } from '../clock/clock.ts'
import { type ConnectionReason, ConnectionState, type ConnectionStateChange } from './connection_types.ts'

const SHOWN_AFTER_MS = 1_000

export class ShownState {
    readonly #clock: Clock
    readonly #show: (change: ConnectionStateChange) => void
    #state: ConnectionState = ConnectionState.DISCONNECTED
    #reason: ConnectionReason = 'new'
    #cancel: Cancel | null = null

    constructor(clock: Clock, show: (change: ConnectionStateChange) => void) {
        this.#clock = clock
        this.#show = show
    }

    get state(): ConnectionState {
        return this.#state
    }

    get reason(): ConnectionReason {
        return this.#reason
    }

    set(state: ConnectionState, reason: ConnectionReason): void {
        if (state === ConnectionState.RECONNECTING && this.#state === ConnectionState.CONNECTED) {
            // The first reason is the one that counts; what follows are attempts.
            if (!this.#cancel) this.#wait(state, reason)
            return
        }
        this.#cancel?.()
        this.#cancel = null
        this.#change(state, reason)
    }

    #wait(state: ConnectionState, reason: ConnectionReason): void {
        const dueAt = this.#clock.now() + SHOWN_AFTER_MS
        this.#cancel = this.#clock.after(SHOWN_AFTER_MS, () => {
            this.#cancel = null
            // A timer that comes late slept with the device: the second begins when both are awake.
            if (this.#clock.now() - dueAt > SHOWN_AFTER_MS) this.#wait(state, reason)
            else this.#change(state, reason)
        })
    }

    #change(state: ConnectionState, reason: ConnectionReason): void {
        const previous = this.#state
        if (state === previous) return
        this.#state = state
        this.#reason = reason
        this.#show({ state, previous, reason })
    }
}
