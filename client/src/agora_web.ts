/** The entry point of the engine over agora-rtc-sdk-ng, which the app installs and hands in. */

export { agoraWebEngine } from './engines/agora_web/agora_web_engine.ts'
export type { AgoraWebOptions } from './engines/agora_web/options.ts'
export { VideoEngineError, type VideoEngineErrorReason } from './engines/engine_error.ts'
