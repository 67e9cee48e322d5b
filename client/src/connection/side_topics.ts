/** The topics for which no connection waits, the user's own and the count: joined last, and repaired one by one. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import type { Random } from '../random/random.ts'
import type { ChannelLease } from '../realtime/channels.ts'
import { isUnauthorized, type Loss } from '../realtime/loss.ts'
import { SERVER_LOSS_JITTER_MS } from './retry_policy.ts'

type Lease = Pick<ChannelLease<'user'>, 'ensure' | 'on'>

export interface SideTopicOptions {
    clock: Clock
    random: Random
    /** Gives Realtime a fresh token. */
    prepare: () => Promise<void>
}

const LEAST_MS = 500
const MOST_MS = 20_000
const MOST_REFUSALS = 3

/** One of the topics, with its own count of losses. */
export class SideTopic {
    readonly #lease: Lease
    readonly #options: SideTopicOptions
    #isOn = false
    #cancel: Cancel = () => {}
    #losses = 0
    #refusals = 0

    constructor(lease: Lease, options: SideTopicOptions) {
        this.#lease = lease
        this.#options = options
    }

    listen(): Unsubscribe[] {
        return [
            this.#lease.on('lost', (loss) => this.#lost(loss)),
            this.#lease.on('ready', () => {
                this.#losses = 0
                this.#refusals = 0
            }),
        ]
    }

    /** Joins it; Realtime has a token by then. */
    start(): void {
        this.stop()
        this.#isOn = true
        this.#lease.ensure()
    }

    /** Repairs nothing more until the next `start`. */
    stop(): void {
        this.#isOn = false
        this.#cancel()
    }

    #lost(loss: Loss): void {
        if (!this.#isOn || loss.kind === 'reset') return
        if (isUnauthorized(loss) && ++this.#refusals >= MOST_REFUSALS) return
        const { clock, random } = this.#options
        const mostMs = Math.min(MOST_MS, LEAST_MS * 2 ** this.#losses)
        const laterMs = LEAST_MS + random.next() * (mostMs - LEAST_MS)
        const ms = this.#losses++ === 0 ? random.next() * SERVER_LOSS_JITTER_MS : laterMs
        this.#cancel()
        this.#cancel = clock.after(ms, () => void this.#repair())
    }

    async #repair(): Promise<void> {
        try {
            await this.#options.prepare()
        } catch {
            // The next loss of a critical topic, or the next wake, tries with all its means.
        }
        if (this.#isOn) this.#lease.ensure()
    }
}
