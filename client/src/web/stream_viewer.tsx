/** `<StreamViewer>` for browsers: a box with the video, and a screen for every state in which there is none. */

import { type CSSProperties, type ReactElement, useEffect, useRef } from 'react'
import { useStreamViewer } from '../react/use_stream_viewer.ts'
import { partsOf, type ViewerProps } from '../react/viewer_parts.ts'
import { StateScreen } from './state_screen.tsx'
import { FILL, ROOT, STATUS } from './styles.ts'

export interface StreamViewerProps extends ViewerProps {
    className?: string
    /** Of the box, 16 to 9 and as wide as its place when left out. A box without a height shows nothing. */
    style?: CSSProperties
}

export function StreamViewer(props: StreamViewerProps): ReactElement {
    const { className, style, objectFit = 'contain', mirror = false, zOrder } = props
    const state = useStreamViewer(props)
    const video = useRef<HTMLDivElement>(null)
    const { attach, detach } = state
    useEffect(() => attach(video.current, { objectFit, mirror }), [attach, objectFit, mirror])
    useEffect(() => {
        const view = video.current
        return () => detach(view)
    }, [detach])

    const { main, notices, children, texts } = partsOf(state, props)
    return (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms.
        <div
            role="group"
            aria-label={texts.label}
            aria-busy={main?.screen.isBusy ?? false}
            className={className}
            data-phase={state.phase}
            style={{ ...ROOT, ...(zOrder !== undefined && { zIndex: zOrder }), ...style }}
        >
            <div ref={video} data-part="video" style={FILL} />
            {/* Always there: screen readers announce what changes in a region that they know. */}
            <div role="status" aria-live="polite" aria-atomic="true" data-part="status" style={STATUS}>
                {main !== null && <StateScreen key={main.screen.kind} {...main} />}
                {notices.map((notice) => (
                    <StateScreen key={notice.screen.kind} {...notice} />
                ))}
            </div>
            {children}
        </div>
    )
}
