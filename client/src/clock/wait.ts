/** A time to wait that begins with a failure; a clock that is set back ends it. */

import type { Clock } from './clock.ts'

export class Wait {
    readonly #clock: Clock
    #from = 0
    #ms = 0

    constructor(clock: Clock) {
        this.#clock = clock
    }

    /** Begins anew; with 0 it is over. */
    begin(ms: number): void {
        this.#from = this.#clock.now()
        this.#ms = ms
    }

    get leftMs(): number {
        const passed = this.#clock.now() - this.#from
        return passed < 0 ? 0 : Math.max(0, this.#ms - passed)
    }
}
