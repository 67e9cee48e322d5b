/** The engine of a viewer: made when it is needed, replaced when it is broken, with a bound on every call. */

import type { Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import type { VideoEngine, VideoEngineEvents, VideoEngineFactory, VideoJoin } from './video_engine.ts'

/** An SDK's join does not settle without a network. */
export const JOIN_WITHIN_MS = 10_000
const CALL_WITHIN_MS = 5_000
/** Devices ask their user. */
const ASK_WITHIN_MS = 120_000
const LEAVE_WITHIN_MS = 3_000

const EVENTS: Readonly<Record<keyof VideoEngineEvents, true>> = {
    connection: true,
    remoteJoined: true,
    remoteLeft: true,
    remoteVideo: true,
    remoteAudio: true,
    frame: true,
    size: true,
    tokenWillExpire: true,
    tokenExpired: true,
    quality: true,
    local: true,
    audioBlocked: true,
}

export type EngineListener = <Name extends keyof VideoEngineEvents>(name: Name, event: VideoEngineEvents[Name]) => void

export class EngineSeat<View> {
    readonly #factory: VideoEngineFactory<View>
    readonly #clock: Clock
    readonly #listener: EngineListener
    #engine: VideoEngine<View> | null = null
    #ends: Unsubscribe[] = []

    constructor(factory: VideoEngineFactory<View>, clock: Clock, listener: EngineListener) {
        this.#factory = factory
        this.#clock = clock
        this.#listener = listener
    }

    /** Null until it is needed, and after it was let go of. */
    get current(): VideoEngine<View> | null {
        return this.#engine
    }

    /** Throws what the factory throws. */
    take(): VideoEngine<View> {
        if (this.#engine !== null) return this.#engine
        const engine = this.#factory()
        this.#engine = engine
        const listen = <Name extends keyof VideoEngineEvents>(name: Name) =>
            engine.on(name, (event) => this.#listener(name, event))
        this.#ends = (Object.keys(EVENTS) as (keyof VideoEngineEvents)[]).map(listen)
        return engine
    }

    call<T>(signal: AbortSignal, run: (engine: VideoEngine<View>) => Promise<T>): Promise<T> {
        return this.#within(CALL_WITHIN_MS, signal, run)
    }

    /** A call that may wait for the user. */
    ask<T>(signal: AbortSignal, run: (engine: VideoEngine<View>) => Promise<T>): Promise<T> {
        return this.#within(ASK_WITHIN_MS, signal, run)
    }

    /** The time begins once the engine is free. */
    async #within<T>(
        ms: number,
        outer: AbortSignal,
        run: (engine: VideoEngine<View>, signal: AbortSignal) => Promise<T>
    ): Promise<T> {
        const engine = this.take()
        if (engine.whenFree !== undefined) await engine.whenFree(outer)
        return within(this.#clock, ms, outer, async (signal) => run(engine, signal))
    }

    /** Joins in time, or leaves: an engine that joins after all is not to stay in the channel unseen. */
    async join(join: Omit<VideoJoin, 'signal'>, outer: AbortSignal): Promise<void> {
        try {
            await this.#within(JOIN_WITHIN_MS, outer, (engine, signal) => engine.join({ ...join, signal }))
        } catch (thrown) {
            await this.leave()
            throw thrown
        }
    }

    /** Leaves; an engine that cannot even do that is let go of. */
    async leave(): Promise<void> {
        const engine = this.#engine
        if (engine === null) return
        try {
            await within(this.#clock, LEAVE_WITHIN_MS, undefined, async () => engine.leave())
        } catch {
            if (this.#engine === engine) await this.drop()
        }
    }

    /** Lets go of the engine; the next call makes another. Never fails. */
    async drop(): Promise<void> {
        const engine = this.#engine
        if (engine === null) return
        this.#engine = null
        for (const end of this.#ends) end()
        this.#ends = []
        await within(this.#clock, LEAVE_WITHIN_MS, undefined, async () => engine.dispose()).catch(() => {})
    }
}
