/** What a viewer is made of, and what an error makes of it. */

import type { StreamError } from '../error/stream_error.ts'
import type { VideoEngineFactory } from './video_engine.ts'
import type { StreamQuality } from './viewer_types.ts'

export interface StreamViewerOptions<View = unknown> {
    sessionId: string
    userId: string
    userRole: 'seller' | 'buyer'
    engine: VideoEngineFactory<View>
    /** `auto` when left out. */
    quality?: StreamQuality
    /** The seller's device, as `startStream` returned it; the client knows its own. */
    generation?: number
}

/** The phase in which an error leaves a viewer. */
export function endOf({ code }: StreamError): 'ended' | 'taken_over' | 'failed' {
    if (code === 'stream_ended') return 'ended'
    return code === 'superseded' || code === 'stale_host' ? 'taken_over' : 'failed'
}
