/** The base of this package's engines: listeners, and a join that begins outside of any channel and can be called off. */

import { Emitter, type Unsubscribe } from '../emitter/emitter.ts'
import type { VideoEngineEvents, VideoJoin } from '../viewer/video_engine.ts'
import { aborted } from './engine_error.ts'

export abstract class EngineBase {
    protected readonly events: Emitter<VideoEngineEvents> = new Emitter<VideoEngineEvents>()
    protected isDisposed = false

    abstract leave(): Promise<void>
    /** Enters the channel; `leave` ends it too. */
    protected abstract enter(join: VideoJoin): Promise<void>

    on<Name extends keyof VideoEngineEvents>(
        name: Name,
        listener: (event: VideoEngineEvents[Name]) => void
    ): Unsubscribe {
        return this.events.on(name, listener)
    }

    /** Rejects with `aborted` also where the signal or `dispose` came while the channel of before was left. */
    async join(join: VideoJoin): Promise<void> {
        const { signal } = join
        if (this.isDisposed) return
        if (signal.aborted) throw aborted()
        await this.leave()
        if (signal.aborted || this.isDisposed) throw aborted()
        const abort = () => void this.leave()
        signal.addEventListener('abort', abort)
        try {
            await this.enter(join)
        } finally {
            signal.removeEventListener('abort', abort)
        }
    }
}
