/** When the next attempt of a connection is made. */

import type { StreamError } from '../error/stream_error.ts'
import type { ConnectionConfig, RetryFunction, RetryPolicy } from './connection_types.ts'

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
    maxAttempts: 10,
    baseDelay: 500,
    maxDelay: 20_000,
    backoffMultiplier: 2,
}

/** No attempt follows another sooner. */
const LEAST_DELAY_MS = 500

/** A loss on the server's side hits everybody at once, who must not come back at once. */
export const SERVER_LOSS_JITTER_MS = 2_000

/** The first attempt after a loss is made within this time, whatever the policy. */
export const FIRST_WITHIN_MS = 5_000

/**
 * Milliseconds until the attempt after `failed` failed ones, or null to give up. Full jitter: anything between half a
 * second and the policy's delay. The server's own word wins.
 */
export function nextDelayMs(
    policy: RetryPolicy | RetryFunction,
    failed: number,
    error: StreamError,
    random: number
): number | null {
    let delayMs: number
    if (typeof policy === 'function') {
        const chosen = policy({ attempt: failed, error, random })
        if (chosen === null) return null
        delayMs = Math.max(0, chosen)
    } else {
        if (failed >= policy.maxAttempts) return null
        const grown = policy.baseDelay * policy.backoffMultiplier ** failed
        const mostMs = Math.max(LEAST_DELAY_MS, Math.min(policy.maxDelay, grown))
        delayMs = LEAST_DELAY_MS + random * (mostMs - LEAST_DELAY_MS)
    }
    return error.retryAfterMs === null ? delayMs : Math.max(error.retryAfterMs, LEAST_DELAY_MS)
}

/** The policy with what the configuration says instead. */
export function configured(policy: RetryPolicy | RetryFunction, config: ConnectionConfig): RetryPolicy | RetryFunction {
    const { maxRetryAttempts, retryDelay } = config
    if (typeof policy === 'function' && maxRetryAttempts === undefined && retryDelay === undefined) return policy
    const base = typeof policy === 'function' ? DEFAULT_RETRY_POLICY : policy
    return {
        ...base,
        ...(maxRetryAttempts === undefined ? {} : { maxAttempts: maxRetryAttempts }),
        ...(retryDelay === undefined ? {} : { baseDelay: retryDelay }),
    }
}
