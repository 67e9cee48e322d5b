/** The error of an engine's call: why it failed, in the words of the viewer, and the SDK's own code. */

import type { LocalSource, VideoConnectionReason } from '../viewer/video_engine.ts'

/** `aborted`: the join was called off. `permission`: a device was refused. `no_device`: there is none, or it is in use. */
export type VideoEngineErrorReason = VideoConnectionReason | 'aborted' | 'permission' | 'no_device' | 'unsupported'

export interface VideoEngineErrorDetails {
    reason: VideoEngineErrorReason
    /** The code of the SDK or the browser. */
    code?: string | number
    source?: LocalSource
    cause?: unknown
}

export class VideoEngineError extends Error {
    override readonly name: string = 'VideoEngineError'
    readonly reason: VideoEngineErrorReason
    readonly code: string | number | null
    readonly source: LocalSource | null

    constructor(message: string, { reason, code, source, cause }: VideoEngineErrorDetails) {
        super(message, cause === undefined ? undefined : { cause })
        this.reason = reason
        this.code = code ?? null
        this.source = source ?? null
    }
}

export function aborted(): VideoEngineError {
    return new VideoEngineError('the join was aborted', { reason: 'aborted' })
}
