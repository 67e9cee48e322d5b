/** Heartbeats of a connected device, at the times that the server names. */

import { Timer } from '../clock/timer.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type { Place } from './place.ts'
import type { QualityMeter } from './quality_meter.ts'

/** Until the server names a time. */
const FIRST_AFTER_MS = 15_000
/** A heartbeat without an answer is repeated sooner: a lease lasts three of them. */
const REPEATED_AFTER_MS = 3_000
/** Timers in the background are late by up to a minute; more is sleep. */
const GAP_MS = 65_000

export interface HeartbeatLoop {
    /** Begins, with the first one after a while; a loop that runs is begun anew. */
    start(): void
    /** Sends one at once, in place of the next. */
    hurry(): void
    stop(): void
}

/** `onRefused` is told of a refusal: the place is lost, or more than that. */
export function heartbeatLoop(
    place: Place,
    { clock, random, wakes }: ConnectionParts,
    meter: QualityMeter,
    onRefused: (error: StreamError) => void
): HeartbeatLoop {
    const next = new Timer(clock)
    let life: AbortController | null = null
    const stop = () => {
        next.stop()
        life?.abort()
        life = null
    }
    const start = (ms = FIRST_AFTER_MS) => {
        stop()
        life = new AbortController()
        plan(ms, life.signal)
    }
    const plan = (ms: number, signal: AbortSignal) =>
        next.set(ms, (lateMs) => {
            if (lateMs > GAP_MS) wakes.noteGap()
            // Where nothing reconnects by itself the heartbeat finds out what the sleep has cost.
            if (!signal.aborted) void send(signal)
        })
    const send = async (signal: AbortSignal) => {
        try {
            const { next_in_ms: nextInMs } = await place.heartbeat(signal)
            if (!signal.aborted) plan(nextInMs * (0.9 + random.next() / 10), signal)
        } catch (thrown) {
            if (signal.aborted) return
            const error = toStreamError(thrown)
            if (isTerminal(error) || error.code === 'not_viewer') return onRefused(error)
            meter.missed()
            plan(error.retryAfterMs ?? REPEATED_AFTER_MS * (0.5 + random.next()), signal)
        }
    }
    return { start: () => start(), hurry: () => life && start(0), stop }
}
