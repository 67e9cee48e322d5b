/** One stream viewer in the page, over the real client, with a record of its phases and a watch on what it calls `playing`. */

import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { createStreamClient, type StreamClient } from '../../../src/index.ts'
import { type LoopbackEngine, type LoopbackEngineOptions, loopbackEngine } from '../../../src/loopback.ts'
import { StreamViewer } from '../../../src/viewer.ts'
import { Eye } from './eye.ts'

const AUCTION = '00000000-0000-4000-8000-0000000000a1'
const PASSWORD = 'demo-password'
/** A viewer notices after two seconds at most; whatever takes this long was not noticed. */
const UNNOTICED_MS = 4_500
const LOOK_EVERY_MS = 100

/** Troubles of engines that only an SDK has, made on purpose. */
export interface EngineTroubles {
    /** The first joins go to a server that is not there, and never settle. */
    deadJoins?: number
    /** The first joins have no valid token. */
    badTokens?: number
    /** The first subscriptions bring nothing. */
    lostSubscriptions?: number
    /** The first times that a view is given, nothing is drawn in it. */
    lostViews?: number
}

export interface SpectatorOptions {
    url: string
    anonKey: string
    email: string
    engine?: Partial<LoopbackEngineOptions>
    troubles?: EngineTroubles
}

type Account = { supabase: SupabaseClient; client: StreamClient; userId: string }

export class Spectator {
    readonly phases: string[] = []
    readonly recoveries: { step: string; cause: string }[] = []
    readonly errors: string[] = []
    /** The times at which `playing` was wrong. */
    readonly lies: string[] = []
    readonly view: HTMLDivElement = document.createElement('div')
    readonly engines: LoopbackEngine[] = []
    readonly #options: SpectatorOptions
    readonly #account: Account
    readonly #troubles: EngineTroubles
    #viewer: StreamViewer<HTMLElement> | null = null
    readonly #eye = new Eye(this.view)
    #wrongSince: number | null = null

    private constructor(options: SpectatorOptions, account: Account) {
        this.#options = options
        this.#account = account
        this.#troubles = { ...options.troubles }
        this.view.className = 'view'
        document.querySelector('main')?.append(this.view)
        setInterval(() => this.#look(), LOOK_EVERY_MS)
    }

    static async signIn(options: SpectatorOptions): Promise<Spectator> {
        const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false }
        const supabase = createClient(options.url, options.anonKey, { auth })
        const { data, error } = await supabase.auth.signInWithPassword({ email: options.email, password: PASSWORD })
        if (error) throw error
        return new Spectator(options, { supabase, client: createStreamClient({ supabase }), userId: data.user.id })
    }

    get viewer(): StreamViewer<HTMLElement> {
        if (this.#viewer === null) throw new Error('no viewer')
        return this.#viewer
    }

    /** Whether what is called `playing` moves, has light and can be seen at this moment. */
    isSeen(): boolean {
        return this.viewer.snapshot.phase === 'playing' && this.#eye.wrong(performance.now()) === null
    }

    get engine(): LoopbackEngine {
        const engine = this.engines.at(-1)
        if (engine === undefined) throw new Error('no engine')
        return engine
    }

    startStream(): Promise<{ id: string; generation: number; hostUid: number }> {
        const { client, userId } = this.#account
        return client.stream.startStream(userId, AUCTION)
    }

    async call(name: string, args: object): Promise<void> {
        const { error } = await this.#account.supabase.schema('stream').rpc(name, args)
        if (error) throw new Error(`${name}: ${error.message}`)
    }

    /** Mounts a viewer: made, given its view, started. */
    mount(sessionId: string, userRole: 'seller' | 'buyer', generation?: number): void {
        const { client, userId } = this.#account
        const viewer = new StreamViewer<HTMLElement>(client, {
            sessionId,
            userId,
            userRole,
            engine: () => this.#makeEngine(),
            ...(generation === undefined ? {} : { generation }),
        })
        this.#viewer = viewer
        viewer.on('phase', ({ phase }) => this.phases.push(phase))
        viewer.on('recovery', ({ step, cause }) => this.recoveries.push({ step, cause }))
        viewer.on('error', ({ code }) => this.errors.push(code))
        viewer.attach(this.view)
        viewer.start()
    }

    async unmount(): Promise<void> {
        await this.#viewer?.dispose()
        this.#viewer = null
    }

    async dispose(): Promise<void> {
        await this.unmount()
        await this.#account.client.dispose()
        this.#account.supabase.realtime.disconnect()
    }

    #makeEngine(): LoopbackEngine {
        const { url, engine: options } = this.#options
        const engine = loopbackEngine({ url, picture: 'camera', ...options })()
        this.engines.push(engine)
        this.#spoil(engine)
        return engine
    }

    #spoil(engine: LoopbackEngine): void {
        const [join, subscribe, setView] = [engine.join, engine.subscribe, engine.setView]
        engine.join = (place) => {
            if (this.#happens('deadJoins')) {
                return new Promise((_, reject) =>
                    place.signal.addEventListener('abort', () => reject(new Error('aborted')))
                )
            }
            return join.call(engine, this.#happens('badTokens') ? { ...place, token: 'no token' } : place)
        }
        engine.subscribe = async (uid) => {
            if (!this.#happens('lostSubscriptions')) await subscribe.call(engine, uid)
        }
        engine.setView = (uid, view, options) => {
            if (view === null || !this.#happens('lostViews')) setView.call(engine, uid, view, options)
        }
    }

    #happens(trouble: keyof EngineTroubles): boolean {
        const left = this.#troubles[trouble] ?? 0
        this.#troubles[trouble] = left - 1
        return left > 0
    }

    /** Whatever is called `playing` moves, has light, and can be seen. */
    #look(): void {
        const now = performance.now()
        const wrong = this.#wrong(now)
        if (wrong === null) this.#wrongSince = null
        else this.#wrongSince ??= now
        if (wrong === null || this.#wrongSince === null || now - this.#wrongSince < UNNOTICED_MS) return
        this.lies.push(`playing, and yet ${wrong} for ${UNNOTICED_MS} ms`)
        this.#wrongSince = now
    }

    #wrong(now: number): string | null {
        const wrong = this.#eye.wrong(now)
        return this.#viewer?.snapshot.phase === 'playing' ? wrong : null
    }
}
