/** The viewer of the stage, which all its parts share: the picture, the seller's buttons, the figures. */

import type { UseStreamViewerOptions } from '@pg-stream/client/web'
import { type StreamViewerState, useStreamViewer } from '@pg-stream/client/web'
import { useMemo } from 'react'
import { useBackend } from '../backend/context.ts'
import { useStage } from '../stage/stage_context.ts'

/** The same for every part: then they share one viewer. */
export function useVideoOptions(): UseStreamViewerOptions {
    const { engine } = useBackend()
    const { watched, isSeller } = useStage()
    return useMemo(() => ({ ...watched, userRole: isSeller ? 'seller' : 'buyer', engine }), [watched, isSeller, engine])
}

export function useVideo(): StreamViewerState {
    return useStreamViewer(useVideoOptions())
}
