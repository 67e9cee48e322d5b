/** The client's side of the fake server: what supabase-js does with a socket, channels, tokens and calls. */

import type {
    AuthLike,
    BroadcastLike,
    RealtimeChannelLike,
    RealtimeLike,
    RpcAnswerLike,
    RpcCallLike,
    SupabaseLike,
    SystemLike,
} from '../../src/supabase.ts'
import { FakeHttp } from '../fakes/fake_http.ts'
import { FakeRefusal } from './fake_refusal.ts'
import type { FakeServer, Listener } from './fake_server.ts'

/** Rows of the database reach a channel this much after its join at most. */
const READY_WITHIN_MS = 600
/** A refused join is answered after this. */
const REFUSED_AFTER_MS = 1_000
const JOIN_TIMEOUT_MS = 10_000

/** One device: `isOnline` false is a device without a network. */
export class FakeSupabase implements SupabaseLike {
    readonly server: FakeServer
    /** Who is signed in. */
    userId: string
    readonly realtime: FakeRealtime
    isOnline = true
    #token = { no: 0, expiresAt: 0 }
    readonly auth: AuthLike = {
        getSession: () =>
            this.accessToken().then(
                (token) => ({ data: { session: { access_token: token } }, error: null }),
                (error: unknown) => ({ data: { session: null }, error })
            ),
        onAuthStateChange: () => ({ data: { subscription: { unsubscribe: () => {} } } }),
        startAutoRefresh: async () => {},
        stopAutoRefresh: async () => {},
    }

    constructor(server: FakeServer, userId: string) {
        this.server = server
        this.userId = userId
        this.realtime = new FakeRealtime(this)
    }

    /** As supabase-js: a token that is about to run out is renewed, which needs the network. */
    async accessToken(): Promise<string> {
        const { clock } = this.server
        if (this.#token.expiresAt - clock.now() < 10_000) {
            if (!this.isOnline || this.server.isDown) throw new TypeError('fetch failed')
            this.#token = { no: this.#token.no + 1, expiresAt: clock.now() + this.server.tokenLifeMs }
        }
        return `token ${this.#token.no} ${this.#token.expiresAt}`
    }

    /** The token runs out at once. */
    expireToken(): void {
        this.#token.expiresAt = this.server.clock.now()
        for (const listener of this.server.listeners) {
            if (listener.userId === this.userId) listener.tokenExpiresAt = this.#token.expiresAt
        }
    }

    schema(): { rpc(name: string, args: Record<string, unknown>): RpcCallLike } {
        return { rpc: (name, args) => new FakeCall(() => this.#call(name, args)) }
    }

    /** The edge of the same server, over the same network. */
    readonly fetchEdge = async (url: string, init: RequestInit): Promise<Response> => {
        const http = new FakeHttp()
        http.pollIntervalMs = 5_000
        http.answer = ({ name, args }) => {
            try {
                return { result: structuredClone(this.server.run(name, this.userId, args)) }
            } catch (thrown) {
                if (!(thrown instanceof FakeRefusal)) throw thrown
                const { code, status, retryAfterMs } = thrown
                return { code, status, message: code, ...(retryAfterMs === null ? {} : { retryAfterMs }) }
            }
        }
        return await this.#overNetwork(() => http.fetch(url, init))
    }

    async #call(name: string, args: Record<string, unknown>): Promise<RpcAnswerLike> {
        try {
            return await this.#overNetwork(async () => {
                await this.accessToken()
                return { data: structuredClone(this.server.run(name, this.userId, args)), error: null, status: 200 }
            })
        } catch (thrown) {
            if (thrown instanceof FakeRefusal) {
                const details = JSON.stringify({ code: thrown.code, retry_after_ms: thrown.retryAfterMs })
                return { data: null, error: { message: thrown.code, code: 'PT000', details }, status: thrown.status }
            }
            return { data: null, error: { message: String(thrown), code: '', details: '' }, status: 0 }
        }
    }

    /** There and back; either way may lose what it carries. */
    async #overNetwork<T>(answer: () => Promise<T>): Promise<T> {
        const { server } = this
        const { clock, random, faults } = server
        const travel = () => new Promise<void>((resolve) => clock.after(server.latencyMs(), resolve))
        const lost = () => new TypeError('fetch failed')
        await travel()
        if (!this.isOnline || server.isDown || random.chance(faults.loseRequest)) throw lost()
        const answered = await answer()
        await travel()
        if (!this.isOnline || random.chance(faults.loseAnswer)) throw lost()
        return answered
    }
}

class FakeCall implements RpcCallLike {
    readonly #run: () => Promise<RpcAnswerLike>

    constructor(run: () => Promise<RpcAnswerLike>) {
        this.#run = run
    }

    abortSignal(): RpcCallLike {
        return this
    }

    setHeader(): RpcCallLike {
        return this
    }

    // biome-ignore lint/suspicious/noThenProperty: a call of supabase-js is thenable.
    then<One = RpcAnswerLike, Other = never>(
        onDone?: ((answer: RpcAnswerLike) => One | PromiseLike<One>) | null,
        onFailed?: ((reason: unknown) => Other | PromiseLike<Other>) | null
    ): PromiseLike<One | Other> {
        return this.#run().then(onDone, onFailed)
    }
}

export class FakeRealtime implements RealtimeLike {
    readonly supabase: FakeSupabase
    readonly channels: Set<FakeChannel> = new Set()
    accessToken: () => Promise<string>
    /** What `setAuth` put there; a join carries this one. */
    token = ''
    joins = 0

    constructor(supabase: FakeSupabase) {
        this.supabase = supabase
        this.accessToken = () => supabase.accessToken()
    }

    async setAuth(): Promise<void> {
        this.token = await this.accessToken()
        // A new token reaches the channels that are joined.
        for (const channel of this.channels) channel.renew()
    }

    channel(topic: string): FakeChannel {
        const channel = new FakeChannel(topic, this)
        this.channels.add(channel)
        return channel
    }

    getChannels(): FakeChannel[] {
        return [...this.channels]
    }

    disconnect(): void {
        for (const channel of [...this.channels]) channel.forget()
    }

    get tokenExpiresAt(): number {
        return Number(this.token.split(' ')[2] ?? 0)
    }
}

export class FakeChannel implements RealtimeChannelLike {
    readonly topic: string
    readonly #realtime: FakeRealtime
    readonly #broadcasts: ((message: BroadcastLike) => void)[] = []
    readonly #systems: ((message: SystemLike) => void)[] = []
    #report: (status: string, error?: Error) => void = () => {}
    #listener: Listener | null = null
    #isLeft = false

    constructor(topic: string, realtime: FakeRealtime) {
        this.topic = topic
        this.#realtime = realtime
    }

    on(type: 'broadcast' | 'system', _: unknown, callback: never): FakeChannel {
        if (type === 'broadcast') this.#broadcasts.push(callback)
        else this.#systems.push(callback)
        return this
    }

    subscribe(report: (status: string, error?: Error) => void): FakeChannel {
        this.#report = report
        this.#realtime.joins++
        const { supabase } = this.#realtime
        const { server, userId } = supabase
        if (!supabase.isOnline) {
            server.clock.after(JOIN_TIMEOUT_MS, () => this.#say('TIMED_OUT'))
            return this
        }
        server.clock.after(server.latencyMs(), () => {
            const listener: Listener = {
                topic: this.topic,
                userId,
                isLive: false,
                tokenExpiresAt: this.#realtime.tokenExpiresAt,
                deliver: (event, payload) => this.#deliver(event, payload),
                close: (reason) => this.#closed(reason),
                breakOff: () => this.#broken(),
            }
            if (this.#isLeft) return
            const refused = server.join(listener)
            if (refused !== null) {
                const error = new Error(refused, { cause: { reason: refused } })
                server.clock.after(REFUSED_AFTER_MS, () => this.#say('CHANNEL_ERROR', error))
                return
            }
            this.#listener = listener
            server.clock.after(server.latencyMs(), () => this.#say('SUBSCRIBED'))
            // Rows that are written before this moment do not reach the channel.
            server.clock.after(server.random.between(50, READY_WITHIN_MS), () => {
                if (this.#listener !== listener || this.#isLeft) return
                listener.isLive = true
                for (const tell of this.#systems) {
                    tell({ extension: 'system', status: 'ok', message: 'Replication connection established' })
                }
            })
        })
        return this
    }

    async unsubscribe(): Promise<string> {
        this.forget()
        return 'ok'
    }

    forget(): void {
        this.#isLeft = true
        this.#realtime.channels.delete(this)
        if (this.#listener) this.#realtime.supabase.server.listeners.delete(this.#listener)
        this.#listener = null
    }

    renew(): void {
        if (this.#listener) this.#listener.tokenExpiresAt = this.#realtime.tokenExpiresAt
    }

    #deliver(event: string, payload: unknown): void {
        if (!this.#realtime.supabase.isOnline) return
        for (const tell of this.#broadcasts) tell({ event, payload })
    }

    #closed(reason: string): void {
        this.#listener = null
        this.#realtime.channels.delete(this)
        for (const tell of this.#systems) tell({ extension: 'system', status: 'error', message: reason })
        this.#say('CLOSED')
    }

    #broken(): void {
        this.#listener = null
        this.#say('CHANNEL_ERROR', new Error('socket closed: 1006'))
    }

    #say(status: string, error?: Error): void {
        if (!this.#isLeft) this.#report(status, error)
    }
}
