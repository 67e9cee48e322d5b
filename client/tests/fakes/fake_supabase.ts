/** A Supabase client whose network, server and socket a test holds in its hands. */

import type {
    AuthLike,
    BroadcastLike,
    ChannelOptionsLike,
    RealtimeChannelLike,
    RealtimeLike,
    RpcAnswerLike,
    RpcCallLike,
    SupabaseLike,
    SystemLike,
} from '../../src/supabase.ts'
import type { FakeClock } from './fake_clock.ts'

type Report = (status: string, error?: Error) => void

/** What a join gets: an answer, a refusal with its reason, or nothing. */
export type JoinAnswer = 'ok' | 'silence' | 'unconfirmed' | { refused: string }

export class FakeChannel implements RealtimeChannelLike {
    readonly topic: string
    readonly options: ChannelOptionsLike
    readonly token: () => string | null
    isSubscribed = false
    isGone = false
    joinedWith: string | null = null
    readonly #realtime: FakeRealtime
    readonly #broadcasts: ((message: BroadcastLike) => void)[] = []
    readonly #systems: ((message: SystemLike) => void)[] = []
    #report: Report = () => {}

    constructor(topic: string, options: ChannelOptionsLike, realtime: FakeRealtime) {
        this.topic = `realtime:${topic}`
        this.options = options
        this.token = () => realtime.token
        this.#realtime = realtime
    }

    on(type: 'broadcast' | 'system', _filter: unknown, callback: (message: never) => void): this {
        if (type === 'broadcast') this.#broadcasts.push(callback as (message: BroadcastLike) => void)
        else this.#systems.push(callback as (message: SystemLike) => void)
        return this
    }

    subscribe(report: Report): void {
        this.isSubscribed = true
        this.#report = report
        this.joinedWith = this.token()
        this.#realtime.join(this)
    }

    async unsubscribe(): Promise<string> {
        this.#realtime.remove(this)
        this.#tell('CLOSED')
        return 'ok'
    }

    #tell(status: string, error?: Error): void {
        if (this.isGone) return
        if (status === 'CLOSED') {
            this.isGone = true
            this.#realtime.remove(this)
        }
        this.#report(status, error)
    }

    /** The server's answers, from here on. */
    answer(status: 'SUBSCRIBED' | 'TIMED_OUT' | 'CLOSED' | 'CHANNEL_ERROR', error?: Error): void {
        this.#tell(status, error)
    }

    system(status: string, message: string): void {
        if (!this.isGone) for (const callback of this.#systems) callback({ extension: 'system', status, message })
    }

    broadcast(event: string, payload: unknown): void {
        if (!this.isGone) for (const callback of this.#broadcasts) callback({ event, payload })
    }
}

export class FakeRealtime implements RealtimeLike {
    accessToken: (() => Promise<string | null>) | null = async () => `token-${++this.tokens}`
    readonly apiKey = 'key of the project'
    tokens = 0
    token: string | null = null
    /** Everything that happened, in order. */
    readonly log: string[] = []
    channels: FakeChannel[] = []
    /** How joins are answered; by topic where a test wants it so. */
    answers: (topic: string) => JoinAnswer = () => 'ok'
    joinMs = 20
    confirmMs = 30
    readonly #clock: FakeClock

    constructor(clock: FakeClock) {
        this.#clock = clock
    }

    async setAuth(token?: string | null): Promise<void> {
        this.token = token ?? (await this.accessToken?.()) ?? null
        this.log.push('setAuth')
    }

    channel(topic: string, options: ChannelOptionsLike): FakeChannel {
        const known = this.channels.find((channel) => channel.topic === `realtime:${topic}`)
        if (known) return known
        const channel = new FakeChannel(topic, options, this)
        this.channels.push(channel)
        return channel
    }

    getChannels(): readonly FakeChannel[] {
        return this.channels
    }

    async disconnect(): Promise<void> {
        this.log.push('disconnect')
    }

    join(channel: FakeChannel): void {
        const topic = channel.topic.slice('realtime:'.length)
        this.log.push(`join ${topic}`)
        const answer = this.answers(topic)
        if (answer === 'silence') {
            this.#clock.after(10_000, () => channel.answer('TIMED_OUT'))
        } else if (typeof answer === 'object') {
            const error = new Error(answer.refused, { cause: { reason: answer.refused } })
            this.#clock.after(this.joinMs, () => channel.answer('CHANNEL_ERROR', error))
        } else {
            this.#clock.after(this.joinMs, () => channel.answer('SUBSCRIBED'))
            if (answer === 'unconfirmed') return
            this.#clock.after(this.joinMs + this.confirmMs, () => {
                channel.system('ok', 'Replication connection established')
            })
        }
    }

    remove(channel: FakeChannel): void {
        this.channels = this.channels.filter((other) => other !== channel)
    }

    find(topic: string): FakeChannel | undefined {
        return this.channels.find((channel) => channel.topic === `realtime:${topic}`)
    }

    /** The socket breaks under all channels. */
    cut(): void {
        for (const channel of [...this.channels]) channel.answer('CHANNEL_ERROR', new Error('socket closed: 1006'))
    }

    /** The server closes one channel, as it does over its quota. */
    close(topic: string, said = 'Too many messages per second'): void {
        const channel = this.find(topic)
        channel?.system('error', said)
        channel?.answer('CLOSED')
    }

    count(entry: string): number {
        return this.log.filter((line) => line === entry).length
    }
}

/** A refusal in PostgREST's words. */
export class Refused extends Error {
    readonly code: string
    readonly status: number
    readonly retryAfterMs: number | null

    constructor(code: string, status: number, retryAfterMs: number | null = null) {
        super(`refused: ${code}`)
        this.code = code
        this.status = status
        this.retryAfterMs = retryAfterMs
    }
}

export type Handler = (args: Record<string, unknown>) => unknown

export class FakeSupabase implements SupabaseLike {
    readonly realtime: FakeRealtime
    readonly calls: { name: string; args: Record<string, unknown>; at: number }[] = []
    handlers: Record<string, Handler> = {}
    /** Whether calls get an answer at all. */
    isReachable = true
    callMs = 10
    /** What the renewal of an access token that has run out fails with. */
    renewalError: { status?: number } | null = null
    readonly #clock: FakeClock
    readonly #authListeners = new Set<(event: string) => void>()

    constructor(clock: FakeClock) {
        this.#clock = clock
        this.realtime = new FakeRealtime(clock)
        const { accessToken } = this.realtime
        // As supabase-js: the project's key in place of a token that cannot be renewed.
        this.realtime.accessToken = async () =>
            this.renewalError ? this.realtime.apiKey : ((await accessToken?.()) ?? null)
    }

    readonly auth: AuthLike = {
        getSession: async () => {
            if (this.renewalError) return { data: { session: null }, error: this.renewalError }
            const token = await this.realtime.accessToken?.()
            return { data: { session: token ? { access_token: token } : null }, error: null }
        },
        onAuthStateChange: (callback) => {
            this.#authListeners.add(callback)
            return { data: { subscription: { unsubscribe: () => void this.#authListeners.delete(callback) } } }
        },
        startAutoRefresh: async () => void this.realtime.log.push('startAutoRefresh'),
        stopAutoRefresh: async () => void this.realtime.log.push('stopAutoRefresh'),
    }

    emitAuth(event: string): void {
        for (const listener of [...this.#authListeners]) listener(event)
    }

    get authListeners(): number {
        return this.#authListeners.size
    }

    schema(): { rpc(name: string, args: Record<string, unknown>): RpcCallLike } {
        return { rpc: (name, args) => this.#call(name, args) }
    }

    count(name: string): number {
        return this.calls.filter((call) => call.name === name).length
    }

    /** Notes a call that arrived, over whichever way. */
    note(name: string, args: Record<string, unknown>): void {
        this.calls.push({ name, args, at: this.#clock.now() })
        this.realtime.log.push(`call ${name}`)
    }

    #call(name: string, args: Record<string, unknown>): RpcCallLike {
        this.note(name, args)
        const denied = { data: null, error: { message: 'permission denied', code: '42501' }, status: 401 }
        const answer = new Promise<RpcAnswerLike>((resolve) => {
            this.#clock.after(this.callMs, () => resolve(this.renewalError ? denied : this.answer(name, args)))
        })
        const call: RpcCallLike = {
            // biome-ignore lint/suspicious/noThenProperty: the builders of postgrest-js are thenables
            then: (done, failed) => answer.then(done, failed),
            abortSignal: () => call,
            setHeader: () => call,
        }
        return call
    }

    /** What the server makes of a call at this moment. */
    answer(name: string, args: Record<string, unknown>): RpcAnswerLike {
        if (!this.isReachable) return { data: null, error: { message: 'TypeError: fetch failed', code: '' }, status: 0 }
        const handler = this.handlers[name]
        if (!handler) throw new Error(`no test expects ${name}`)
        try {
            return { data: handler(args), error: null, status: 200 }
        } catch (thrown) {
            if (!(thrown instanceof Refused)) throw thrown
            const details = JSON.stringify({ code: thrown.code, retry_after_ms: thrown.retryAfterMs })
            return {
                data: null,
                error: { message: thrown.message, code: `PT${thrown.status}`, details },
                status: thrown.status,
            }
        }
    }
}
