/** The entry point of the loopback engine: video between browsers through the local stack, for development and tests. */

export { VideoEngineError, type VideoEngineErrorReason } from './engines/engine_error.ts'
export type { PictureSource } from './engines/loopback/local_media.ts'
export {
    type LoopbackEngine,
    type LoopbackEngineOptions,
    type LoopbackFaults,
    loopbackEngine,
} from './engines/loopback/loopback_engine.ts'
