/** The place of a device in a stream: a viewer's lease or the seller's generation, held by heartbeats. */

import type { Clock } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import type { AgoraToken, HeartbeatResult, JoinResult, ViewerLease } from '../contract/wire.ts'
import { StreamError } from '../error/stream_error.ts'
import type { Transport } from '../transport/transport.ts'
import type { ConnectionConfig } from './connection_types.ts'
import { obeyContract } from './contract_version.ts'

export interface PlaceOptions {
    config: ConnectionConfig
    transport: Transport
    clock: Clock
    serverClock: ServerClock
    isForeground: () => boolean
    /** An answer to a heartbeat, with its round trip. */
    onHeartbeat: (result: HeartbeatResult, roundTripMs: number) => void
    /** An answer to a join. */
    onJoined: (result: JoinResult) => void
    onToken: (token: AgoraToken) => void
}

export class Place {
    readonly #options: PlaceOptions
    #lease: ViewerLease | null = null
    #tokenExpiresAt: string | null = null

    constructor(options: PlaceOptions) {
        this.#options = options
    }

    /** Null for a seller, and until a viewer has joined. */
    get lease(): ViewerLease | null {
        return this.#lease
    }

    /** The seller's place instead, of a generation that is not older; says whether it is another than before. */
    host({ role, generation }: Pick<ConnectionConfig, 'role' | 'generation'>): boolean {
        const { config } = this.#options
        const isSame = config.role === role && (generation ?? 0) <= (config.generation ?? 0)
        if (isSame || role !== 'seller') return false
        Object.assign(config, { role, generation })
        void this.leave()
        return true
    }

    /** Takes the place or makes sure that it is still held, with one call, or two where it was lost. */
    async take(signal: AbortSignal): Promise<void> {
        if (this.#options.config.role !== 'seller' && this.#lease === null) return this.#join(signal)
        try {
            await this.heartbeat(signal)
        } catch (thrown) {
            if (!(thrown instanceof StreamError) || thrown.code !== 'not_viewer') throw thrown
            this.#lease = null
            await this.#join(signal)
        }
    }

    /** One heartbeat; its answer says when the next is due. */
    async heartbeat(signal: AbortSignal): Promise<HeartbeatResult> {
        const { config, transport, clock, serverClock, isForeground } = this.#options
        const place = config.role === 'seller' ? { generation: config.generation } : { join_no: this.#lease?.join_no }
        const args = {
            session_id: config.sessionId,
            foreground: isForeground(),
            token_expires_at: this.#tokenExpiresAt,
        }
        const sentAt = clock.now()
        const result = await transport.call('heartbeat', { ...args, ...place }, { signal })
        const answeredAt = clock.now()
        obeyContract(result)
        serverClock.note(result.server_time, sentAt, answeredAt)
        if (result.status === 'superseded') {
            throw new StreamError('superseded')
        }
        this.#options.onHeartbeat(result, answeredAt - sentAt)
        if (result.token) this.#take(result.token)
        return result
    }

    async #join(signal: AbortSignal): Promise<void> {
        const { config, transport, clock, serverClock, onJoined } = this.#options
        const sentAt = clock.now()
        const result = await transport.call('join_stream', { session_id: config.sessionId }, { signal })
        obeyContract(result)
        serverClock.note(result.sync.server_time, sentAt, clock.now())
        this.#lease = result.lease
        if (result.lease.user_id !== config.userId.toLowerCase()) {
            void this.leave()
            throw new StreamError('not_self', 'another user is signed in', { status: 403 })
        }
        onJoined(result)
        if (result.token) this.#take(result.token)
    }

    #take(token: AgoraToken): void {
        this.#tokenExpiresAt = token.expires_at
        this.#options.onToken(token)
    }

    /** Gives the place up; the server counts one viewer less. Never fails: a lease that is not given up ends by itself. */
    async leave(): Promise<void> {
        const lease = this.#lease
        this.#lease = null
        if (!lease) return
        const { session_id, user_id: buyer_id, join_no } = lease
        await this.#options.transport.call('remove_viewer', { session_id, buyer_id, join_no }).catch(() => {})
    }
}
