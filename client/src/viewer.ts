/** The entry point of the stream viewer without a screen, and of the interface that video engines implement. */

export { StreamViewer } from './viewer/stream_viewer.ts'
export type {
    AudioRoute,
    LocalSource,
    ObjectFit,
    PermissionAnswer,
    RemoteVideoReason,
    RemoteVideoState,
    VideoConnectionReason,
    VideoConnectionState,
    VideoEngine,
    VideoEngineCapabilities,
    VideoEngineEvents,
    VideoEngineFactory,
    VideoJoin,
    VideoLayer,
    VideoQuality,
    VideoRole,
    VideoViewOptions,
} from './viewer/video_engine.ts'
export type { StreamViewerOptions } from './viewer/viewer_options.ts'
export {
    type RecoveryCause,
    type RecoveryEvent,
    type RecoveryStep,
    StreamQuality,
    type StreamViewerEvents,
    type StreamViewerSnapshot,
    type ViewerPhase,
} from './viewer/viewer_types.ts'
