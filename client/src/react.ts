/** The entry point for React: a provider and hooks that return data and status. */

export type { LiveStreams, LiveStreamsSnapshot } from './live/live_streams.ts'
export { StreamProvider, type StreamProviderProps, useStreamClient } from './react/provider.ts'
export type { Watched } from './react/source.ts'
export { type Chat, type ChatActions, useChat } from './react/use_chat.ts'
export { type LiveStreamsList, useLiveStreams } from './react/use_live_streams.ts'
export {
    type StreamStatus,
    useConnectionState,
    useStream,
    useStreamError,
    useViewerCount,
    type ViewerCount,
    type WatchedConnection,
    type WatchedStream,
} from './react/use_stream.ts'
