/** Randomness from a seed, as chances and spans. */

import { FakeRandom } from '../fakes/fake_random.ts'

export class Dice extends FakeRandom {
    /** True in this share of the cases. */
    chance(share: number): boolean {
        return this.next() < share
    }

    between(least: number, most: number): number {
        return least + this.next() * (most - least)
    }
}
