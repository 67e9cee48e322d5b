/** Randomness from a seed, the same in every run. */

import { type Random, uuidOf } from '../../src/random/random.ts'

export class FakeRandom implements Random {
    #state: number

    constructor(seed = 1) {
        this.#state = seed >>> 0
    }

    /** Mulberry32. */
    next(): number {
        this.#state = (this.#state + 0x6d2b79f5) >>> 0
        let mixed = this.#state
        mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
    }

    uuid(): string {
        return uuidOf(Array.from({ length: 16 }, () => Math.floor(this.next() * 256)))
    }
}
