/** Why a channel stopped carrying events, and whether joining it again can help. */

import { StreamError, type StreamErrorCode } from '../error/stream_error.ts'

export interface Loss {
    /** What Realtime or the socket said. */
    message: string
    /**
     * `socket`: the connection broke. `closed`: the server closed the channel. `refused`: the join was refused.
     * `timeout`: the join got no answer. `reset`: the client itself takes all channels down, after a sleep.
     */
    kind: 'socket' | 'closed' | 'refused' | 'timeout' | 'reset'
    /** Set where joining again is of no use until somebody does something. */
    terminal: StreamErrorCode | null
}

/** Join codes of Realtime that do not pass by themselves. */
const TERMINAL: readonly [prefix: string, code: StreamErrorCode][] = [
    ['RealtimeDisabledForTenant', 'realtime_disabled'],
    ['TenantNotFound', 'realtime_disabled'],
]

/** A join that the policies refused: the lease may be over, the user may be banned. The next calls tell which. */
export function isUnauthorized(loss: Loss): boolean {
    return loss.kind === 'refused' && /^Unauthorized/.test(loss.message)
}

/** The loss that a CHANNEL_ERROR stands for: with a reason of the server it is a refused join. */
export function lossOfError(error: Error | undefined): Loss {
    const cause = error?.cause as { reason?: unknown } | undefined
    const reason = typeof cause?.reason === 'string' ? cause.reason : null
    if (reason === null) return { kind: 'socket', message: error?.message ?? 'the connection broke', terminal: null }
    const terminal = TERMINAL.find(([prefix]) => reason.startsWith(prefix))?.[1] ?? null
    return { kind: 'refused', message: reason, terminal }
}

export function errorOfLoss(loss: Loss): StreamError {
    const code = loss.terminal ?? 'realtime_unavailable'
    return new StreamError(code, loss.message)
}
