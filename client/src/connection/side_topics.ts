/** The topics for which no connection waits, the user's own and the count: joined last, and repaired one by one. */

import { Timer } from '../clock/timer.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import type { ChannelLease } from '../realtime/channels.ts'
import { isUnauthorized, type Loss } from '../realtime/loss.ts'
import type { ConnectionParts } from './connection_parts.ts'
import { backoffMs, SERVER_LOSS_JITTER_MS } from './retry_policy.ts'

type Lease = Pick<ChannelLease<'user'>, 'ensure' | 'on'>

const MOST_REFUSALS = 3

/** One of the topics, with its own count of losses. */
export class SideTopic {
    readonly #lease: Lease
    readonly #parts: ConnectionParts
    readonly #repairing: Timer
    #isOn = false
    #losses = 0
    #refusals = 0

    constructor(lease: Lease, parts: ConnectionParts) {
        this.#lease = lease
        this.#parts = parts
        this.#repairing = new Timer(parts.clock)
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
        this.#repairing.stop()
    }

    #lost(loss: Loss): void {
        if (!this.#isOn || loss.kind === 'reset') return
        if (isUnauthorized(loss) && ++this.#refusals >= MOST_REFUSALS) return
        const random = this.#parts.random.next()
        const ms = this.#losses === 0 ? random * SERVER_LOSS_JITTER_MS : backoffMs(this.#losses, random)
        this.#losses++
        this.#repairing.set(ms, () => void this.#repair())
    }

    async #repair(): Promise<void> {
        const { channels, wakes } = this.#parts
        try {
            await channels.prepare(wakes.sleepNo)
        } catch {
            // The next loss of a critical topic, or the next wake, tries with all its means.
        }
        if (this.#isOn) this.#lease.ensure()
    }
}
