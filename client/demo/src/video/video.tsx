/** The picture of the stage, the screen of its state where there is none, and the buttons on it. */

import { StreamViewer, type ViewerScreen } from '@pg-stream/client/web'
import { memo, type ReactElement, type ReactNode } from 'react'
import { useStage } from '../stage/stage_context.ts'
import { useVideoOptions } from './use_video.ts'
import { textsFor } from './video_texts.ts'
import { VideoTools } from './video_tools.tsx'

/** As large as its place. */
const WHOLE = { width: '100%', height: '100%', aspectRatio: 'auto', background: '#000000' } as const

export const VideoPanel = memo(function VideoPanel({ children }: { children: ReactNode }): ReactElement {
    const { isSeller } = useStage()
    return (
        <div className="video">
            <StreamViewer {...useVideoOptions()} style={WHOLE} texts={textsFor(isSeller)} renderState={screenFor}>
                <VideoTools />
                {children}
            </StreamViewer>
        </div>
    )
})

function screenFor(screen: ViewerScreen): ReactElement {
    const { kind, title, detail, covers, isBusy, action } = screen
    if (kind === 'sound_blocked' || kind === 'host_quality')
        return (
            <p className="video-notice">
                {title} {action !== null && <ScreenAction action={action} className="link" />}
            </p>
        )
    return (
        <div className={covers ? 'video-state video-state-solid' : 'video-state video-state-over'}>
            {isBusy && <span className="spinner" aria-hidden="true" />}
            <p className="video-state-title">{title}</p>
            {detail !== null && <p className="video-state-text">{detail}</p>}
            {/* The seller's own buttons stand below. */}
            {action !== null && kind !== 'not_started' && <ScreenAction action={action} className="button" />}
        </div>
    )
}

function ScreenAction({
    action,
    className,
}: {
    action: NonNullable<ViewerScreen['action']>
    className: string
}): ReactElement {
    return (
        <button type="button" className={className} onClick={action.run}>
            {action.label}
        </button>
    )
}
