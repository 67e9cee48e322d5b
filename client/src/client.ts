/** The client: services, connections and channels over one Supabase client, made once and disposed of once. */

import { AccessTokens, ownAuth } from './access/access_tokens.ts'
import { type CircuitBreaker, StreamServiceCircuitBreaker } from './breaker/circuit_breaker.ts'
import { Calls } from './call/calls.ts'
import type { StreamChat } from './chat/chat.ts'
import { StreamChatService } from './chat/chat_service.ts'
import { Chats, type HeldChat } from './chat/chats.ts'
import { type Clock, systemClock } from './clock/clock.ts'
import { ServerClock } from './clock/server_clock.ts'
import { StreamConnectionManager } from './connection/connection_manager.ts'
import type { ConnectionConfig, RetryFunction, RetryPolicy } from './connection/connection_types.ts'
import { Connections, type HeldConnection } from './connection/connections.ts'
import { DEFAULT_RETRY_POLICY } from './connection/retry_policy.ts'
import { endAll, type Unsubscribe } from './emitter/emitter.ts'
import { type Logger, StreamErrorHandler } from './error/error_handler.ts'
import { StreamError } from './error/stream_error.ts'
import { defaultLifecycle } from './lifecycle/browser_lifecycle.ts'
import type { LifecycleAdapter } from './lifecycle/lifecycle_adapter.ts'
import { Wakes } from './lifecycle/wakes.ts'
import { type Random, systemRandom } from './random/random.ts'
import { Channels } from './realtime/channels.ts'
import type { StorageAdapter } from './storage/storage_adapter.ts'
import { StreamClientService } from './stream/stream_service.ts'
import type { SupabaseLike } from './supabase.ts'
import { RpcTransport } from './transport/rpc_transport.ts'
import type { Transport, TransportFactory } from './transport/transport.ts'

export interface StreamClientOptions {
    /** A signed-in client of supabase-js; any database type and any schema. */
    supabase: SupabaseLike
    /** The way of calls, Supabase RPC when left out; `createStreamClient` of the entry point `edge` takes the URL of edge_api. */
    transport?: TransportFactory
    /** Tells of background and network; the page's own in a browser. */
    lifecycle?: LifecycleAdapter
    /** Keeps unsent messages over a restart of the app. */
    storage?: StorageAdapter
    retryPolicy?: RetryPolicy | RetryFunction
    /** Where errors are written; nowhere when left out. */
    logger?: Logger
    clock?: Clock
    random?: Random
}

/** What the services of one client share. */
export interface ClientCore {
    readonly transport: Transport
    readonly calls: Calls
    readonly channels: Channels
    readonly connections: Connections
    readonly wakes: Wakes
    readonly serverClock: ServerClock
    readonly clock: Clock
    readonly random: Random
    readonly storage: StorageAdapter | null
    readonly errors: StreamErrorHandler
}

export class StreamClient {
    readonly stream: StreamClientService
    readonly chat: StreamChatService
    readonly connection: StreamConnectionManager
    readonly errors: StreamErrorHandler
    readonly breaker: CircuitBreaker
    readonly core: ClientCore
    readonly #chats: Chats
    readonly #managers = new Set<StreamConnectionManager>()
    readonly #ends: Unsubscribe[]
    #disposed: Promise<void> | null = null

    constructor(options: StreamClientOptions) {
        const { supabase, clock = systemClock, random = systemRandom } = options
        const access = new AccessTokens(supabase)
        // Calls that silently took another way than the one that was asked for would be found late.
        if ('edgeUrl' in options) throw new StreamError('invalid_argument', 'edgeUrl is of @pg-stream/client/edge')
        const transport = options.transport?.({ access, clock }) ?? new RpcTransport(supabase, access, clock)
        const breaker = new StreamServiceCircuitBreaker({ clock })
        const calls = new Calls({ transport, breaker, clock, random })
        const channels = new Channels({ realtime: supabase.realtime, access, clock })
        const lifecycle = options.lifecycle ?? defaultLifecycle()
        const wakes = new Wakes(lifecycle)
        const serverClock = new ServerClock(clock)
        const parts = { transport, channels, wakes, clock, random, serverClock }
        const connections = new Connections(parts, () => options.retryPolicy ?? DEFAULT_RETRY_POLICY)
        this.errors = new StreamErrorHandler(options.logger)
        this.breaker = breaker
        const storage = options.storage ?? null
        this.core = { ...parts, calls, connections, storage, errors: this.errors }
        this.stream = new StreamClientService(calls, ({ id, seller_id: sellerId, generation }) =>
            connections.find(id, sellerId)?.host({ role: 'seller', generation })
        )
        this.#chats = new Chats({ calls, wakes, clock, random, storage, connect: (config) => this.hold(config) })
        this.chat = new StreamChatService(calls, this.#chats, random)
        this.connection = this.createConnection()
        this.#ends = [...signOuts(supabase, connections), ...refreshPauses(supabase, lifecycle, wakes)]
    }

    get isDisposed(): boolean {
        return this.#disposed !== null
    }

    /** Another connection manager, for an app that shows several streams. */
    createConnection(): StreamConnectionManager {
        const manager = new StreamConnectionManager(
            (config) => this.hold(config),
            (disposed) => this.#managers.delete(disposed)
        )
        this.#managers.add(manager)
        return manager
    }

    /** A share of a stream's connection, which begins with the first and ends after the last. */
    hold(config: ConnectionConfig): HeldConnection {
        if (this.isDisposed) throw new StreamError('disposed')
        const generation = config.generation ?? this.stream.generationOf(config.sessionId)
        const hosted = generation === undefined ? {} : ({ role: 'seller', generation } as const)
        return this.core.connections.hold({ ...hosted, ...config })
    }

    /** A share of a stream's chat, and of the connection that feeds it. */
    holdChat(config: ConnectionConfig): HeldChat {
        return this.#chats.hold(config)
    }

    /** The chat of a stream, where somebody holds it or did a moment ago. */
    findChat(sessionId: string): StreamChat | undefined {
        return this.#chats.find(sessionId)
    }

    /** Runs when the client is disposed of. */
    onDispose(run: () => void): void {
        this.#ends.push(run)
    }

    /** Ends all connections, calls, timers and listeners. Calls after it fail with `disposed`; disposing again does nothing. */
    dispose(): Promise<void> {
        this.#disposed ??= this.#dispose()
        return this.#disposed
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.dispose()
    }

    async #dispose(): Promise<void> {
        endAll(this.#ends)
        this.core.wakes.dispose()
        this.chat.dispose()
        this.#chats.dispose()
        // All end at once: what one of them takes to leave its stream is not waited for by another.
        const ends = [...this.#managers, this.core.connections].map((part) => part.dispose())
        await Promise.all(ends)
        this.core.channels.dispose()
        this.core.calls.dispose()
    }
}

/** A client of pg_stream over a Supabase client. */
export function createStreamClient(options: StreamClientOptions): StreamClient {
    return new StreamClient(options)
}

/** A sign-out ends every connection: the old user's token must not live on in them. */
function signOuts(supabase: SupabaseLike, connections: Connections): Unsubscribe[] {
    const heard = ownAuth(() =>
        supabase.auth.onAuthStateChange((event) => {
            if (event === 'SIGNED_OUT') connections.refuseAll(new StreamError('signed_out'))
        })
    )
    return [() => heard?.data.subscription.unsubscribe()]
}

/** Renewal of tokens goes by timers, which sleep in the background of a phone: supabase-js wants to be told. */
function refreshPauses(supabase: SupabaseLike, lifecycle: LifecycleAdapter, wakes: Wakes): Unsubscribe[] {
    if (!lifecycle.pausesAutoRefresh) return []
    const quietly = (call: () => Promise<void>) => void ownAuth(call)?.catch(() => {})
    return [
        wakes.on('wake', ({ reason }) => {
            if (reason === 'wake') quietly(() => supabase.auth.startAutoRefresh())
        }),
        wakes.on('sleep', ({ reason }) => {
            if (reason === 'background') quietly(() => supabase.auth.stopAutoRefresh())
        }),
    ]
}
