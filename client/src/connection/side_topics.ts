/** The topics for which no connection waits, the user's own and the count: joined last, and repaired one by one. */

import { Timer } from '../clock/timer.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import type { ChannelLease } from '../realtime/channels.ts'
import { isUnauthorized } from '../realtime/loss.ts'
import type { ConnectionParts } from './connection_parts.ts'
import { backoffMs, SERVER_LOSS_JITTER_MS } from './retry_policy.ts'

type Lease = Pick<ChannelLease<'user'>, 'ensure' | 'on'>

const MOST_REFUSALS = 3

export interface SideTopic {
    ends: Unsubscribe[]
    /** Joins it; Realtime has a token by then. */
    start(): void
    /** Repairs nothing more until the next `start`. */
    stop(): void
}

/** One of the topics, with its own count of losses. */
export function sideTopic(lease: Lease, { clock, random, channels, wakes }: ConnectionParts): SideTopic {
    const repairing = new Timer(clock)
    let isOn = false
    let losses = 0
    let refusals = 0
    const repair = async () => {
        // The next loss of a critical topic, or the next wake, tries with all its means.
        await channels.prepare(wakes.sleepNo).catch(() => {})
        if (isOn) lease.ensure()
    }
    const ends = [
        lease.on('lost', (loss) => {
            if (!isOn || loss.kind === 'reset') return
            if (isUnauthorized(loss) && ++refusals >= MOST_REFUSALS) return
            const ms = losses === 0 ? random.next() * SERVER_LOSS_JITTER_MS : backoffMs(losses, random.next())
            losses++
            repairing.set(ms, () => void repair())
        }),
        lease.on('ready', () => {
            losses = 0
            refusals = 0
        }),
    ]
    return {
        ends,
        start() {
            repairing.stop()
            isOn = true
            lease.ensure()
        },
        stop() {
            isOn = false
            repairing.stop()
        },
    }
}
