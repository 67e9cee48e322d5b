/** The topics for which no connection waits, the user's own and the count: joined last, and repaired one by one. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import type { Random } from '../random/random.ts'
import type { ChannelLease } from '../realtime/channels.ts'
import { isUnauthorized, type Loss } from '../realtime/loss.ts'
import { SERVER_LOSS_JITTER_MS } from './retry_policy.ts'

export interface SideTopicsOptions {
    leases: readonly Pick<ChannelLease<'user'>, 'ensure' | 'on'>[]
    clock: Clock
    random: Random
    /** Gives Realtime a fresh token. */
    prepare: () => Promise<void>
}

const LEAST_MS = 500
const MOST_MS = 20_000
const MOST_REFUSALS = 3

export class SideTopics {
    readonly #options: SideTopicsOptions
    #isOn = false
    #cancel: Cancel | null = null
    #losses = 0
    #refusals = 0

    constructor(options: SideTopicsOptions) {
        this.#options = options
    }

    listen(): Unsubscribe[] {
        return this.#options.leases.flatMap((lease) => [
            lease.on('lost', (loss) => this.#lost(loss)),
            lease.on('ready', () => {
                this.#losses = 0
                this.#refusals = 0
            }),
        ])
    }

    /** Joins them; Realtime has a token by then. */
    start(): void {
        this.stop()
        this.#isOn = true
        for (const lease of this.#options.leases) lease.ensure()
    }

    /** Repairs nothing more until the next `start`. */
    stop(): void {
        this.#isOn = false
        this.#cancel?.()
        this.#cancel = null
    }

    #lost(loss: Loss): void {
        if (!this.#isOn || this.#cancel || loss.kind === 'reset') return
        if (isUnauthorized(loss) && ++this.#refusals >= MOST_REFUSALS) return
        const { clock, random } = this.#options
        const mostMs = Math.min(MOST_MS, LEAST_MS * 2 ** this.#losses)
        const laterMs = LEAST_MS + random.next() * (mostMs - LEAST_MS)
        const ms = this.#losses++ === 0 ? random.next() * SERVER_LOSS_JITTER_MS : laterMs
        this.#cancel = clock.after(ms, () => void this.#repair())
    }

    async #repair(): Promise<void> {
        const { prepare, leases } = this.#options
        try {
            await prepare()
        } catch {
            // The next loss of a critical topic, or the next wake, tries with all its means.
        }
        if (!this.#isOn) return
        this.#cancel = null
        for (const lease of leases) lease.ensure()
    }
}
