/** The entry point of the package: the client, its services, and their types. */

export { type BreakerState, type CircuitBreaker, StreamServiceCircuitBreaker } from './breaker/circuit_breaker.ts'
export { StreamChat } from './chat/chat.ts'
export {
    type ChatService,
    StreamChatService,
    type SubscribeOptions,
    type Subscription,
} from './chat/chat_service.ts'
export type { ChatEvents, ChatSnapshot, ChatStatus } from './chat/chat_snapshot.ts'
export type { HeldChat } from './chat/chats.ts'
export type { Discontinuity } from './chat/log.ts'
export { type ChatMessage, type DeliveryStatus, MessageType } from './chat/message.ts'
export type { ChatMode, Restriction, RestrictionKind, Standing } from './chat/standing.ts'
export { type ClientCore, createStreamClient, StreamClient, type StreamClientOptions } from './client.ts'
export { type Cancel, type Clock, systemClock } from './clock/clock.ts'
export type { Connection } from './connection/connection.ts'
export { StreamConnectionManager } from './connection/connection_manager.ts'
export {
    type ConnectionConfig,
    type ConnectionError,
    type ConnectionEvents,
    type ConnectionManager,
    type ConnectionQuality,
    type ConnectionReason,
    ConnectionState,
    type ConnectionStateChange,
    type RetryContext,
    type RetryFunction,
    type RetryPolicy,
} from './connection/connection_types.ts'
export type { HeldConnection } from './connection/connections.ts'
export { DEFAULT_RETRY_POLICY } from './connection/retry_policy.ts'
export { ERROR_RECOVERY_STRATEGIES, ErrorCategory, type ErrorCode, type RecoveryStrategy } from './contract/errors.ts'
export type {
    LivePage,
    LiveStream,
    ReactionResult,
    ReactionTotal,
    Session,
    StreamSummary,
    ViewerLease,
} from './contract/named.ts'
export { CONTRACT_VERSION } from './contract/operations.ts'
export type { EventSource, Unsubscribe } from './emitter/emitter.ts'
export {
    type ErrorContext,
    type ErrorHandler,
    type ErrorResolution,
    type Logger,
    StreamErrorHandler,
    type SystemError,
} from './error/error_handler.ts'
export {
    type ClientErrorCode,
    StreamError,
    type StreamErrorCode,
    type StreamErrorDetails,
} from './error/stream_error.ts'
export { browserLifecycle } from './lifecycle/browser_lifecycle.ts'
export { type LifecycleAdapter, type LifecycleEvent, ManualLifecycle } from './lifecycle/lifecycle_adapter.ts'
export { type Random, systemRandom } from './random/random.ts'
export type { StorageAdapter } from './storage/storage_adapter.ts'
export { StreamClientService, type StreamService } from './stream/stream_service.ts'
export type { StreamSnapshot } from './stream/stream_store.ts'
export { type AgoraToken, type StreamSession, StreamState, type TokenPrivileges } from './stream/stream_types.ts'
export type { SupabaseLike } from './supabase.ts'
export type { CallOptions, Transport, TransportFactory } from './transport/transport.ts'
