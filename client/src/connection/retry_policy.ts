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

/** Full jitter: anything between half a second and the policy's delay after `failed` failures. */
export function backoffMs(failed: number, random: number, policy: RetryPolicy = DEFAULT_RETRY_POLICY): number {
    const grown = policy.baseDelay * policy.backoffMultiplier ** failed
    const mostMs = Math.max(LEAST_DELAY_MS, Math.min(policy.maxDelay, grown))
    return LEAST_DELAY_MS + random * (mostMs - LEAST_DELAY_MS)
}

/**
 * Milliseconds until the attempt after `failed` failed ones, or null to give up. The server's own word wins.
 */
export function nextDelayMs(
    policy: RetryPolicy | RetryFunction,
    failed: number,
    error: StreamError,
    random: number
): number | null {
    const isFunction = typeof policy === 'function'
    if (!isFunction && failed >= policy.maxAttempts) return null
    const delayMs = isFunction ? policy({ attempt: failed, error, random }) : backoffMs(failed, random, policy)
    if (delayMs === null) return null
    return error.retryAfterMs === null ? Math.max(0, delayMs) : Math.max(error.retryAfterMs, LEAST_DELAY_MS)
}

/** The policy with what the configuration says instead. */
export function configured(policy: RetryPolicy | RetryFunction, config: ConnectionConfig): RetryPolicy | RetryFunction {
    const { maxRetryAttempts, retryDelay } = config
    if (typeof policy === 'function' && maxRetryAttempts === undefined && retryDelay === undefined) return policy
    const base = typeof policy === 'function' ? DEFAULT_RETRY_POLICY : policy
    return {
        ...base,
        maxAttempts: maxRetryAttempts ?? base.maxAttempts,
        baseDelay: retryDelay ?? base.baseDelay,
    }
}
