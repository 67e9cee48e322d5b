/** The fake clock, moved until something holds. */

import { FakeClock } from '../fakes/fake_clock.ts'

export class ServerTime extends FakeClock {
    /** Lets time pass until `holds`; fails after `mostMs`. */
    async until(what: string, holds: () => boolean, mostMs: number): Promise<void> {
        const end = this.now() + mostMs
        for (await this.settle(); !holds(); await this.advance(STEP_MS)) {
            if (this.now() > end) throw new Error(`not within ${mostMs} ms: ${what}`)
        }
    }
}

const STEP_MS = 5
