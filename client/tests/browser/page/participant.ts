/** One engine in the page, with a view for each sender and a record of everything that it tells. */

import { VideoEngineError } from '../../../src/engines/engine_error.ts'
import type { VideoEngine, VideoEngineEvents, VideoLayer, VideoRole } from '../../../src/viewer/video_engine.ts'

const EVENTS = [
    'connection',
    'remoteJoined',
    'remoteLeft',
    'remoteVideo',
    'remoteAudio',
    'size',
    'tokenWillExpire',
    'tokenExpired',
    'quality',
    'local',
    'audioBlocked',
] as const

export interface JoinArguments {
    channelId: string
    token: string
    uid: number
    role: VideoRole
}

type Recorded = { name: keyof VideoEngineEvents; event: object | undefined }

export class Participant<Engine extends VideoEngine<HTMLElement> = VideoEngine<HTMLElement>> {
    readonly engine: Engine
    readonly recorded: Recorded[] = []
    readonly #frames = new Map<number, number>()
    readonly #views = new Map<number, HTMLDivElement>()
    readonly #abort = new AbortController()
    #joinedAt = 0
    firstFrameMs: number | null = null

    constructor(engine: Engine) {
        this.engine = engine
        for (const name of EVENTS) engine.on(name, (event) => this.recorded.push({ name, event }))
        engine.on('frame', ({ uid }) => {
            this.firstFrameMs ??= performance.now() - this.#joinedAt
            this.#frames.set(uid, this.frames(uid) + 1)
        })
    }

    /** Joins; the error's reason where it is refused, else null. */
    async join(join: JoinArguments): Promise<string | null> {
        this.#joinedAt = performance.now()
        this.firstFrameMs = null
        return reasonOf(this.engine.join({ ...join, signal: this.#abort.signal }))
    }

    abort(): void {
        this.#abort.abort()
    }

    async watch(uid: number): Promise<void> {
        this.show(uid)
        await this.engine.subscribe(uid)
    }

    show(uid: number): void {
        this.engine.setView(uid, this.view(uid), { objectFit: 'contain', mirror: false })
    }

    setLayer(uid: number, layer: VideoLayer): Promise<void> {
        return this.engine.setLayer(uid, layer)
    }

    view(uid: number): HTMLDivElement {
        const known = this.#views.get(uid)
        if (known) return known
        const view = document.createElement('div')
        view.className = 'view'
        view.id = `view-${uid}`
        document.querySelector('main')?.append(view)
        this.#views.set(uid, view)
        return view
    }

    frames(uid: number): number {
        return this.#frames.get(uid) ?? 0
    }

    /** How often an event with these members was told since the record had this length. */
    count(name: string, members: object = {}, since: number = 0): number {
        return this.recorded.slice(since).filter((recorded) => {
            const event = (recorded.event ?? {}) as Record<string, unknown>
            return recorded.name === name && Object.entries(members).every(([key, value]) => event[key] === value)
        }).length
    }

    mark(): number {
        return this.recorded.length
    }

    async dispose(): Promise<void> {
        await this.engine.dispose()
        for (const view of this.#views.values()) view.remove()
    }
}

export async function reasonOf(work: Promise<unknown>): Promise<string | null> {
    try {
        await work
        return null
    } catch (error) {
        return error instanceof VideoEngineError ? error.reason : String(error)
    }
}
