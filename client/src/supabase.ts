/** The part of supabase-js that the client uses. A `SupabaseClient` of any database type has this shape. */

/** What a subscription reports: SUBSCRIBED, CHANNEL_ERROR, TIMED_OUT or CLOSED. */
export type SubscribeStatus = string

export interface RealtimeChannelLike {
    readonly topic: string
    on(type: 'broadcast', filter: { event: string }, callback: (message: BroadcastLike) => void): RealtimeChannelLike
    on(type: 'system', filter: Record<string, never>, callback: (message: SystemLike) => void): RealtimeChannelLike
    subscribe(callback: (status: SubscribeStatus, error?: Error) => void): unknown
    unsubscribe(): Promise<unknown>
}

export interface BroadcastLike {
    event: string
    payload?: unknown
}

export interface SystemLike {
    extension?: string
    status?: string
    message?: string
}

export interface ChannelOptionsLike {
    config: { private: boolean; broadcast: { replication_ready: boolean } }
}

export interface RealtimeLike {
    /** The callback from which supabase-js takes every access token. */
    accessToken: (() => Promise<string | null>) | null
    /** The key of the project, which the callback returns where nobody is signed in. */
    readonly apiKey?: string | null
    setAuth(token?: string | null): Promise<void>
    channel(topic: string, options: ChannelOptionsLike): RealtimeChannelLike
    getChannels(): readonly { readonly topic: string }[]
    disconnect(): unknown
}

export interface RpcAnswerLike {
    data: unknown
    error: { message: string; code?: string; details?: string | null; hint?: string | null } | null
    status: number
}

export interface RpcCallLike extends PromiseLike<RpcAnswerLike> {
    abortSignal(signal: AbortSignal): RpcCallLike
    setHeader(name: string, value: string): RpcCallLike
}

export interface AuthLike {
    /** The session, renewed where it has run out; without one and with an error where that failed. */
    getSession(): Promise<{ data: { session: { access_token: string } | null }; error: unknown }>
    onAuthStateChange(callback: (event: string) => void): { data: { subscription: { unsubscribe(): void } } }
    startAutoRefresh(): Promise<void>
    stopAutoRefresh(): Promise<void>
}

export interface SupabaseLike {
    readonly realtime: RealtimeLike
    readonly auth: AuthLike
    /** A client with the types of `supabase gen types` allows other arguments for each name; `never` takes it as well as one without types. */
    schema(name: string): { rpc(name: string, args: never): RpcCallLike }
}
