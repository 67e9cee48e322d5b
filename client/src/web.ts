/** The entry point for React in browsers: `<StreamViewer>`, and the hook behind it for apps that draw everything themselves. */

export { type StreamViewerState, type UseStreamViewerOptions, useStreamViewer } from './react/use_stream_viewer.ts'
export type { ViewerScreen } from './viewer/viewer_screens.ts'
export { ENGLISH_TEXTS, type ScreenKind, type ScreenText, type ViewerTexts } from './viewer/viewer_texts.ts'
export { StreamViewer, type StreamViewerProps } from './web/stream_viewer.tsx'
