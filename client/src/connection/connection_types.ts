/** The words of a connection: its states, its configuration, its quality. */

import { type Constants, constants } from '../constants/constants.ts'
import type { AgoraToken } from '../contract/named.ts'
import type { StreamError, StreamErrorCode } from '../error/stream_error.ts'

export type ConnectionState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting' | 'failed'

export const ConnectionState: Constants<ConnectionState> = /* @__PURE__ */ constants(
    'disconnected',
    'connecting',
    'connected',
    'reconnecting',
    'failed'
)

/**
 * Why a connection is in its state. `wake` and `online`: the app or the network came back. `offline`: the
 * platform says that there is no network. `server_loss`: the socket broke
 * or the server closed a channel. `lease_lost`: the viewer's place in the stream was over. An error's
 * code: that error ended it.
 */
export type ConnectionReason =
    | 'new'
    | 'connect'
    | 'reconnect'
    | 'disconnect'
    | 'wake'
    | 'online'
    | 'offline'
    | 'server_loss'
    | 'lease_lost'
    | StreamErrorCode

export interface ConnectionStateChange {
    state: ConnectionState
    previous: ConnectionState
    reason: ConnectionReason
}

export interface ConnectionConfig {
    sessionId: string
    userId: string
    /** Accepted and not used: tokens come from the Supabase client, which renews them. */
    token?: string
    /** True when left out. */
    enableAutoReconnect?: boolean
    /** Attempts in a row that may fail; the retry policy's when left out. */
    maxRetryAttempts?: number
    /** Milliseconds from which waiting grows; the retry policy's when left out. */
    retryDelay?: number
    /** Sellers keep a stream alive by their heartbeats, buyers hold a lease. Buyer when left out. */
    role?: 'seller' | 'buyer'
    /** The seller's device, as `startStream` returned it. An older one is refused. */
    generation?: number
    /** Whether to follow the number of viewers; true when left out. Realtime counts a message for each. */
    viewerCount?: boolean
}

export interface ConnectionQuality {
    /** Milliseconds of a heartbeat's round trip, the median of the last five; 0 before the first. */
    latency: number
    /** Share of packets, from 0 to 1; 0 where no media engine tells. */
    packetLoss: number
    /** Kilobits a second; 0 where no media engine tells. */
    bandwidth: number
    quality: 'excellent' | 'good' | 'fair' | 'poor'
}

export interface RetryPolicy {
    maxAttempts: number
    baseDelay: number
    maxDelay: number
    backoffMultiplier: number
}

/** What a retry function decides on. */
export interface RetryContext {
    /** How many attempts have failed in a row. */
    attempt: number
    error: StreamError
    /** From 0 to 1: full jitter for those who want it. */
    random: number
}

/** Milliseconds until the next attempt, or null to give up. */
export type RetryFunction = (context: RetryContext) => number | null

/** What happened to a connection, for `handleConnectionError`. */
export type ConnectionError = StreamError

export interface ConnectionManager {
    connect(config: ConnectionConfig): Promise<void>
    disconnect(): Promise<void>
    reconnect(): Promise<void>
    getConnectionState(): ConnectionState
    getConnectionQuality(): ConnectionQuality
    handleConnectionError(error: ConnectionError): Promise<void>
    setRetryPolicy(policy: RetryPolicy): void
}

export interface ConnectionEvents {
    /** As it is shown: `reconnecting` only once it has taken a second. */
    state: ConnectionStateChange
    quality: ConnectionQuality
    /** Once for each end: a refusal that does not pass, or the last attempt. */
    error: StreamError
    /** A token for the video, at the join and whenever the server sends a fresh one. */
    token: AgoraToken
    /** All is caught up; `reason` is what made it necessary. */
    restored: { reason: ConnectionReason }
}
