/** Why a channel stopped carrying events, and whether joining it again can help. */

import { StreamError } from '../error/stream_error.ts'

export interface Loss {
    /** What Realtime or the socket said. */
    message?: string | undefined
    /**
     * `socket`: the connection broke. `closed`: the server closed the channel. `refused`: the join was refused.
     * `timeout`: the join got no answer. `reset`: the client itself takes all channels down, after a sleep.
     */
    kind: 'socket' | 'closed' | 'refused' | 'timeout' | 'reset'
    /** Joining again is of no use until somebody does something. */
    isFinal?: boolean
}

/** Refusals of Realtime that do not pass by themselves. */
const DISABLED = /^(RealtimeDisabledForTenant|TenantNotFound)/

/** A join that the policies refused: the lease may be over, the user may be banned. The next calls tell which. */
export function isUnauthorized(loss: Loss): boolean {
    return loss.kind === 'refused' && /^Unauthorized/.test(loss.message ?? '')
}

/** The loss that a CHANNEL_ERROR stands for: with a reason of the server it is a refused join. */
export function lossOfError(error: Error | undefined): Loss {
    const { reason } = (error?.cause ?? {}) as { reason?: unknown }
    if (typeof reason !== 'string') return { kind: 'socket', message: error?.message }
    return { kind: 'refused', message: reason, isFinal: DISABLED.test(reason) }
}

export function errorOfLoss({ kind, isFinal, message = kind }: Loss): StreamError {
    return new StreamError(isFinal ? 'realtime_disabled' : 'realtime_unavailable', message)
}
