/** What the components of both platforms share: their props, and which screens they show of an app's and of their own. */

import type { ReactNode } from 'react'
import type { VideoViewOptions } from '../viewer/video_engine.ts'
import { screensOf, textsWith, type ViewerScreen } from '../viewer/viewer_screens.ts'
import type { ViewerTexts } from '../viewer/viewer_texts.ts'
import type { StreamViewerState, UseStreamViewerOptions } from './use_stream_viewer.ts'

/** Beside these: `style`, which is the platform's. */
export interface ViewerProps extends UseStreamViewerOptions, Partial<VideoViewOptions> {
    /** Which of two overlapping videos is above: 0, 1 or 2. */
    zOrder?: number
    /** Words of another language, screen by screen. */
    texts?: Partial<ViewerTexts>
    /** An app's own screen; `undefined` is the built-in one, `null` none. */
    renderState?: (screen: ViewerScreen, state: StreamViewerState) => ReactNode | undefined
    /** Lies over the video and its screens. A function takes the place of every screen, and draws all of them itself. */
    children?: ReactNode | ((state: StreamViewerState) => ReactNode)
}

/** A screen of the app, or the built-in one to draw. */
export interface ShownScreen {
    readonly screen: ViewerScreen
    /** Undefined: the built-in one. */
    readonly own: ReactNode | undefined
}

export interface ShownParts {
    readonly main: ShownScreen | null
    readonly notices: readonly ShownScreen[]
    readonly children: ReactNode
    readonly texts: ViewerTexts
}

export function partsOf(
    state: StreamViewerState,
    { texts, renderState, children }: Pick<ViewerProps, 'texts' | 'renderState' | 'children'>
): ShownParts {
    const allTexts = textsWith(texts)
    if (typeof children === 'function') return { main: null, notices: [], children: children(state), texts: allTexts }
    const { main, notices } = screensOf(state, state.viewer, allTexts)
    const shown = (screen: ViewerScreen): ShownScreen => ({ screen, own: renderState?.(screen, state) })
    return {
        main: main === null ? null : shown(main),
        notices: notices.map(shown),
        children,
        texts: allTexts,
    }
}
