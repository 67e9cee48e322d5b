/** Agora's native view of the one sender that is shown: made once the engine is there, and made anew where recovery asks for it. */

import { type ComponentType, type ReactElement, useEffect, useState } from 'react'
import { AppState, Platform, type StyleProp, StyleSheet, type ViewStyle } from 'react-native'
import type { StreamViewerState } from '../react/use_stream_viewer.ts'
import type { VideoViewOptions } from '../viewer/video_engine.ts'
import type { ViewerPhase } from '../viewer/viewer_types.ts'
import { FILL } from './styles.ts'

/** What the native views are given, as react-native-agora names it. */
export interface AgoraVideoProps {
    canvas: { uid?: number; sourceType?: number; renderMode?: number; mirrorMode?: number }
    zOrderMediaOverlay?: boolean
    zOrderOnTop?: boolean
    style?: StyleProp<ViewStyle>
}

/** Those of react-native-agora. */
export interface AgoraViews {
    RtcSurfaceView: ComponentType<AgoraVideoProps>
    /** Android alone has it. */
    RtcTextureView?: ComponentType<Omit<AgoraVideoProps, 'zOrderMediaOverlay' | 'zOrderOnTop'>>
}

export type VideoSurface = 'auto' | 'surface' | 'texture'

export interface NativeVideoProps extends VideoViewOptions {
    state: StreamViewerState
    /** Raised whenever an engine asks for another native view. */
    redraws: number
    views: AgoraViews
    surface: VideoSurface
    style: StyleProp<ViewStyle>
    zOrder: number
}

/** `RenderModeType` and `VideoMirrorModeType` of the SDK; its enumerations exist on devices alone. */
const RENDER_MODES = { cover: 1, contain: 2 } as const
const MIRROR = { on: 1, off: 2 } as const
/** `VideoSourceType`: the own camera. */
const CAMERA = 0

/** Before these the engine is not there, and a view that is made too early stays black; after them it is gone. */
const WITHOUT_VIDEO: readonly ViewerPhase[] = ['idle', 'token', 'ended', 'failed', 'permission_denied', 'taken_over']

export function NativeVideo(props: NativeVideoProps): ReactElement | null {
    const { state, views, objectFit, mirror, zOrder, redraws } = props
    const made = useRemounts(state)
    const uid = state.userRole === 'seller' ? 0 : state.hostUid
    if (uid === null || WITHOUT_VIDEO.includes(state.phase)) return null
    const canvas = {
        uid,
        renderMode: RENDER_MODES[objectFit],
        mirrorMode: mirror ? MIRROR.on : MIRROR.off,
        ...(uid === 0 && { sourceType: CAMERA }),
    }
    const key = `${uid} ${made} ${redraws}`
    const { RtcSurfaceView, RtcTextureView } = views
    if (RtcTextureView !== undefined && needsTexture(props))
        return <RtcTextureView key={key} canvas={canvas} style={FILL} />
    return (
        <RtcSurfaceView
            key={key}
            canvas={canvas}
            zOrderMediaOverlay={zOrder === 1}
            zOrderOnTop={zOrder >= 2}
            style={FILL}
        />
    )
}

/**
 * How often the native view has to be made anew: its surface can be lost below it, as while the app is in the background, and
 * another engine draws in none of before.
 */
function useRemounts({ viewer }: StreamViewerState): number {
    const [made, setMade] = useState(0)
    useEffect(() => {
        const remount = () => setMade((count) => count + 1)
        const end = viewer?.on('recovery', ({ step }) => {
            if (step === 'reattach_view' || step === 'new_engine') remount()
        })
        let wasAway = false
        const states = AppState.addEventListener('change', (state) => {
            if (state === 'active' && wasAway) remount()
            // `inactive` is a call or iOS's app switcher, over which the picture stays.
            if (state !== 'inactive') wasAway = state === 'background'
        })
        return () => {
            end?.()
            states.remove()
        }
    }, [viewer])
    return made
}

/** A surface lies in a window of its own, which knows neither corners nor what moves or fades the view. */
function needsTexture({ surface, style, zOrder }: NativeVideoProps): boolean {
    if (Platform.OS !== 'android' || surface !== 'auto') return Platform.OS === 'android' && surface === 'texture'
    const flat = (StyleSheet.flatten(style) ?? {}) as Record<string, unknown>
    const isDrawnOtherwise = Object.entries(flat).some(
        ([name, value]) =>
            (/^border.*Radius$/.test(name) && value !== 0) ||
            (name === 'opacity' && value !== 1) ||
            (name === 'transform' && value !== undefined)
    )
    return zOrder >= 2 || isDrawnOtherwise
}
