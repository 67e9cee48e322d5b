/** The frames that arrive on the topic of the chat: their numbers, how far apart they are, how old their newest entry is. */

import type { StreamClient } from '@pg-stream/client'
import { useEffect, useState } from 'react'

export interface FrameFigures {
    readonly fromSeq: number
    readonly toSeq: number
    /** Milliseconds between the last two frames; null before the second. */
    readonly apartMs: number | null
    /** From when the newest entry was stored to when it arrived here, by the server's clock. */
    readonly lagMs: number
    /** While frames come rarely: how often the client asks. */
    readonly pollMs: number | null
}

/** The newest figures; it listens while the stage is shown, the panel looks now and then. */
export interface FrameMeter {
    newest: FrameFigures | null
}

/** A panel that changes more often is not read. */
const REDRAW_MS = 250

export function useFrameMeter(client: StreamClient, sessionId: string, userId: string): FrameMeter {
    const [meter] = useState<FrameMeter>(() => ({ newest: null }))
    useEffect(() => {
        const topic = client.core.connections.find(sessionId, userId)?.topics.chat
        let arrivedAt: number | null = null
        return topic?.on('messages', (frame) => {
            const now = Date.now()
            const storedAt = Date.parse(frame.messages.at(-1)?.created_at ?? frame.server_time)
            meter.newest = {
                fromSeq: frame.from_seq,
                toSeq: frame.to_seq,
                apartMs: arrivedAt === null ? null : now - arrivedAt,
                lagMs: Math.max(0, Math.round(client.core.serverClock.now() - storedAt)),
                pollMs: frame.poll_ms,
            }
            arrivedAt = now
        })
    }, [client, sessionId, userId, meter])
    return meter
}

export function useFrames(meter: FrameMeter): FrameFigures | null {
    const [figures, setFigures] = useState(meter.newest)
    useEffect(() => {
        const timer = setInterval(() => setFigures(meter.newest), REDRAW_MS)
        return () => clearInterval(timer)
    }, [meter])
    return figures
}
