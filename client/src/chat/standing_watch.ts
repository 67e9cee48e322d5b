/** Ends of mutes and cooldowns, which nothing announces: a timer for the next one, by the server's clock. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import type { StandingKeeper } from './standing.ts'

/** Timers of platforms end at 2^31 ms; what ends later is looked at again. */
const LONGEST_WAIT_MS = 3_600_000

export class StandingWatch {
    readonly #clock: Clock
    readonly #serverClock: ServerClock
    readonly #standing: StandingKeeper
    readonly #onEnd: () => void
    #cancel: Cancel = () => {}

    constructor(clock: Clock, serverClock: ServerClock, standing: StandingKeeper, onEnd: () => void) {
        this.#clock = clock
        this.#serverClock = serverClock
        this.#standing = standing
        this.#onEnd = onEnd
    }

    /** Waits for what ends next as the standing is now. */
    plan(): void {
        this.#cancel()
        const end = this.#standing.nextEndMs
        if (end === null) return
        const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, end - this.#serverClock.now()))
        this.#cancel = this.#clock.after(waitMs, () => {
            if (this.#standing.expire(this.#serverClock.now())) this.#onEnd()
            else this.plan()
        })
    }

    dispose(): void {
        this.#cancel()
    }
}
