/** Polling of `sync`: where frames come slowly because the server says so, and where Realtime is out of reach. */

import { Timer } from '../clock/timer.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { SessionSync } from '../sync/session_sync.ts'
import type { ConnectionParts } from './connection_parts.ts'

/** In place of Realtime, until the server names another. */
const FALLBACK_MS = 5_000

/** The longest time between two frames while something waits, and a little: what is written later gets a frame of its own at once. */
const POLLED_MS = 65_000

/** What a frame, a sync and a heartbeat say of polling; of a frame nothing is certain. */
export interface PollWish {
    poll_ms?: unknown
    server_time: string
}

export interface PollLoop {
    /** Whether the newest wish is one for polling, and not older than a minute. */
    isWanted(): boolean
    /** Obeys the newest wish, by the server's clock. A frame puts the next poll off, since it brings the same; `isAnswer`: what answers a call does not. */
    obey(wish: PollWish, isAnswer?: boolean): void
    /** Polls while Realtime is out of reach, though calls get through; without, the next one is a whole interval away. */
    setFallback(isOn: boolean): void
    /** A poll whose time passed while the device slept is not made up for: whatever wakes up syncs. */
    skip(): void
    stop(): void
}

export function pollLoop(
    { clock, random }: ConnectionParts,
    sync: SessionSync,
    onRefused: (error: StreamError) => void
): PollLoop {
    const next = new Timer(clock)
    let isFallback = false
    let serverMs: number | null = null
    let wishedMs = 0
    let wishedUntil = 0
    /** By the server's clock. */
    let wishedAt = 0
    let failures = 0
    let round = 0
    let isRunning = false

    const isWanted = () => clock.now() < wishedUntil
    const plan = (isSooner?: boolean) => {
        const ms = isFallback ? (serverMs ?? FALLBACK_MS) : isWanted() ? wishedMs : 0
        if (!isSooner || !ms) next.stop()
        if (!ms || isRunning) return
        // More or less by a tenth, so that viewers do not come together.
        next.setSooner(ms * (0.9 + random.next() * 0.2) * 2 ** Math.min(failures, 4), () => void poll())
    }
    const obey = ({ poll_ms: ms, server_time: time }: PollWish, isAnswer?: boolean) => {
        const at = Date.parse(time)
        if (at < wishedAt) return
        wishedAt = at
        wishedMs = typeof ms === 'number' ? ms : 0
        wishedUntil = wishedMs && clock.now() + POLLED_MS
        plan(isAnswer)
    }
    const stop = () => {
        round++
        next.stop()
        isRunning = false
        isFallback = false
        wishedUntil = 0
        failures = 0
    }
    const poll = async () => {
        const own = round
        isRunning = true
        try {
            const ms = await sync.poll(isFallback)
            serverMs = ms ?? serverMs
            if (ms !== undefined) failures = 0
        } catch (thrown) {
            if (own !== round) return
            const error = toStreamError(thrown)
            if (isTerminal(error)) {
                stop()
                return onRefused(error)
            }
            failures++
        }
        if (own !== round) return
        isRunning = false
        plan()
    }
    sync.attach({ cursor: () => null, apply: (result) => obey(result, true) })
    return {
        isWanted,
        obey,
        setFallback(isOn) {
            isFallback = isOn
            plan(isOn)
        },
        skip: () => clock.now() >= next.dueAt && plan(),
        stop,
    }
}
