/** Polling of `sync`: where frames come slowly because the server says so, and where Realtime is out of reach. */

import { Timer } from '../clock/timer.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { SessionSync } from '../sync/session_sync.ts'
import type { ConnectionParts } from './connection_parts.ts'

/** In place of Realtime, until the server names another. */
const FALLBACK_MS = 5_000

/** The longest time between two frames while something waits, and a little: what is written later gets a frame of its own at once. */
export const POLLED_MS = 65_000

export interface PollLoop {
    /** `poll_ms` of a frame: null ends it, and so does a minute without another. */
    obeyFrame(ms: number | null): void
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
    /** What the newest frame asked for. */
    let frameMs: number | null = null
    let isFallback = false
    let serverMs: number | null = null
    let frameUntil = 0
    let failures = 0
    let round = 0
    let isRunning = false

    const plan = () => {
        next.stop()
        const ms = isFallback ? (serverMs ?? FALLBACK_MS) : clock.now() < frameUntil ? frameMs : null
        if (ms === null || isRunning) return
        // More or less by a tenth, so that viewers do not come together.
        next.set(ms * (0.9 + random.next() * 0.2) * 2 ** Math.min(failures, 4), () => void poll())
    }
    const stop = () => {
        round++
        next.stop()
        isRunning = false
        isFallback = false
        frameMs = null
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
    return {
        obeyFrame(ms) {
            frameMs = ms
            frameUntil = clock.now() + POLLED_MS
            plan()
        },
        setFallback(isOn) {
            if (isOn && isFallback) return
            isFallback = isOn
            plan()
        },
        skip: () => clock.now() >= next.dueAt && plan(),
        stop,
    }
}
