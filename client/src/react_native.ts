/** The entry point for React Native: lifecycle, permissions and `<StreamViewer>`. Agora's module is handed in, so that nothing native is imported here. */

export { agoraReactNativeEngine } from './engines/agora_react_native/agora_react_native_engine.ts'
export type { AgoraReactNativeOptions } from './engines/agora_react_native/options.ts'
export type { AgoraReactNativeSdk } from './engines/agora_react_native/sdk.ts'
export {
    type AppStateLike,
    type NetInfoLike,
    type NetInfoStateLike,
    reactNativeLifecycle,
} from './lifecycle/react_native_lifecycle.ts'
export { type StreamViewerState, type UseStreamViewerOptions, useStreamViewer } from './react/use_stream_viewer.ts'
export { mediaPermissions, type PermissionsAndroidLike, type PlatformLike } from './react_native/media_permissions.ts'
export type { AgoraVideoProps, AgoraViews, VideoSurface } from './react_native/native_video.tsx'
export { StreamViewer, type StreamViewerProps } from './react_native/stream_viewer.tsx'
export type { NativeVideoView } from './viewer/native_views.ts'
export type { ViewerScreen } from './viewer/viewer_screens.ts'
export { ENGLISH_TEXTS, type ScreenKind, type ScreenText, type ViewerTexts } from './viewer/viewer_texts.ts'
