/** `<StreamViewer>` for React Native: Agora's native view, and a screen for every state in which there is no picture. */

import { type ReactElement, useEffect, useState } from 'react'
import { AccessibilityInfo, Platform, type StyleProp, View, type ViewStyle } from 'react-native'
import { useStreamViewer } from '../react/use_stream_viewer.ts'
import { partsOf, type ViewerProps } from '../react/viewer_parts.ts'
import type { NativeVideoView } from '../viewer/native_views.ts'
import { type AgoraViews, NativeVideo, type VideoSurface } from './native_video.tsx'
import { StateScreen } from './state_screen.tsx'
import { FILL, ROOT, STATUS } from './styles.ts'

export interface StreamViewerProps extends ViewerProps {
    /** The module react-native-agora, or its two views. */
    views: AgoraViews
    style?: StyleProp<ViewStyle>
    /**
     * What draws on Android. `auto`: a surface, which costs least; a texture where the style has corners, opacity or a
     * transformation, which surfaces do not follow, or where `zOrder` is 2, which would put a surface above the screens.
     */
    surface?: VideoSurface
    testID?: string
}

export function StreamViewer(props: StreamViewerProps): ReactElement {
    const { style, objectFit = 'contain', mirror = false, zOrder = 0, surface = 'auto', views, testID } = props
    const state = useStreamViewer(props)
    const [redraws, setRedraws] = useState(0)
    const [view] = useState<NativeVideoView>(() => ({ redraw: () => setRedraws((count) => count + 1) }))
    const { attach, detach } = state
    useEffect(() => attach(view, { objectFit, mirror }), [attach, view, objectFit, mirror])
    useEffect(() => () => detach(view), [detach, view])

    const { main, notices, children, texts } = partsOf(state, props)
    useAnnouncement(main?.screen.title ?? null)
    return (
        <View role="group" aria-label={texts.label} testID={testID} style={[ROOT, { zIndex: zOrder }, style]}>
            <NativeVideo
                state={state}
                redraws={redraws}
                views={views}
                surface={surface}
                style={style}
                objectFit={objectFit}
                mirror={mirror}
                zOrder={zOrder}
            />
            <View
                role="status"
                accessibilityLiveRegion="polite"
                aria-busy={main?.screen.isBusy ?? false}
                pointerEvents="box-none"
                style={[FILL, STATUS]}
            >
                {main !== null && <StateScreen key={main.screen.kind} {...main} />}
                {notices.map((notice) => (
                    <StateScreen key={notice.screen.kind} {...notice} />
                ))}
            </View>
            {children}
        </View>
    )
}

/** iOS has no live regions. */
function useAnnouncement(title: string | null): void {
    useEffect(() => {
        if (Platform.OS === 'ios' && title !== null) AccessibilityInfo.announceForAccessibility(title)
    }, [title])
}
