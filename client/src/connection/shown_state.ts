/** The state of a connection as it is shown: a reconnection that takes less than a second stays unseen. */

import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'
import type { ConnectionReason, ConnectionState, ConnectionStateChange } from './connection_types.ts'

const SHOWN_AFTER_MS = 1_000

export class ShownState {
    readonly #wait: Timer
    readonly #show: (change: ConnectionStateChange) => void
    #state: ConnectionState = 'disconnected'
    #reason: ConnectionReason = 'new'

    constructor(clock: Clock, show: (change: ConnectionStateChange) => void) {
        this.#wait = new Timer(clock)
        this.#show = show
    }

    get state(): ConnectionState {
        return this.#state
    }

    get reason(): ConnectionReason {
        return this.#reason
    }

    set(state: ConnectionState, reason: ConnectionReason): void {
        if (state === 'reconnecting' && this.#state === 'connected') {
            // The first reason is the one that counts; what follows are attempts.
            if (!this.#wait.isSet) this.#later(state, reason)
            return
        }
        this.#wait.stop()
        this.#change(state, reason)
    }

    #later(state: ConnectionState, reason: ConnectionReason): void {
        this.#wait.set(SHOWN_AFTER_MS, (lateMs) => {
            // A timer that comes late slept with the device: the second begins when both are awake.
            if (lateMs > SHOWN_AFTER_MS) this.#later(state, reason)
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
