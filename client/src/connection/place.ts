/** The place of a device in a stream: a viewer's lease or the seller's generation, held by heartbeats. */

import type { AgoraToken, HeartbeatResult, JoinResult, ViewerLease } from '../contract/wire.ts'
import { StreamError } from '../error/stream_error.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type { ConnectionConfig } from './connection_types.ts'
import { timedCall } from './timed_call.ts'

/** What a place tells. */
export interface PlaceEvents {
    /** An answer to a heartbeat, with its round trip. */
    onHeartbeat: (result: HeartbeatResult, roundTripMs: number) => void
    /** An answer to a join. */
    onJoined: (result: JoinResult) => void
    onToken: (token: AgoraToken) => void
}

export class Place {
    readonly #config: ConnectionConfig
    readonly #parts: ConnectionParts
    readonly #events: PlaceEvents
    #lease: ViewerLease | null = null
    #tokenExpiresAt: string | null = null

    constructor(config: ConnectionConfig, parts: ConnectionParts, events: PlaceEvents) {
        this.#config = config
        this.#parts = parts
        this.#events = events
    }

    /** Null for a seller, and until a viewer has joined. */
    get lease(): ViewerLease | null {
        return this.#lease
    }

    /** The seller's place instead, of a generation that is not older; says whether it is another than before. */
    host({ role, generation }: Pick<ConnectionConfig, 'role' | 'generation'>): boolean {
        const config = this.#config
        const isSame = config.role === role && (generation ?? 0) <= (config.generation ?? 0)
        if (isSame || role !== 'seller') return false
        Object.assign(config, { role, generation })
        void this.leave()
        return true
    }

    /** Takes the place or makes sure that it is still held, with one call, or two where it was lost. */
    async take(signal: AbortSignal): Promise<void> {
        if (this.#config.role !== 'seller' && this.#lease === null) return this.#join(signal)
        try {
            await this.heartbeat(signal)
        } catch (thrown) {
            if ((thrown as StreamError).code !== 'not_viewer') throw thrown
            this.#lease = null
            await this.#join(signal)
        }
    }

    /** One heartbeat; its answer says when the next is due. */
    async heartbeat(signal: AbortSignal): Promise<HeartbeatResult> {
        const { sessionId, role, generation } = this.#config
        const place = role === 'seller' ? { generation } : { join_no: this.#lease?.join_no }
        const args = {
            session_id: sessionId,
            foreground: this.#parts.wakes.isActive,
            token_expires_at: this.#tokenExpiresAt,
            ...place,
        }
        const { result, roundTripMs } = await timedCall(this.#parts, 'heartbeat', args, signal)
        if (result.status === 'superseded') throw new StreamError('superseded')
        this.#events.onHeartbeat(result, roundTripMs)
        this.#take(result)
        return result
    }

    async #join(signal: AbortSignal): Promise<void> {
        const { sessionId, userId } = this.#config
        const { result } = await timedCall(this.#parts, 'join_stream', { session_id: sessionId }, signal)
        this.#lease = result.lease
        if (result.lease.user_id !== userId.toLowerCase()) {
            void this.leave()
            throw new StreamError('not_self', 'another user is signed in', { status: 403 })
        }
        this.#events.onJoined(result)
        this.#take(result)
    }

    #take({ token }: { token: AgoraToken | null }): void {
        if (!token) return
        this.#tokenExpiresAt = token.expires_at
        this.#events.onToken(token)
    }

    /** Gives the place up; the server counts one viewer less. Never fails: a lease that is not given up ends by itself. */
    async leave(): Promise<void> {
        const lease = this.#lease
        this.#lease = null
        if (!lease) return
        const { session_id, user_id: buyer_id, join_no } = lease
        await this.#parts.transport.call('remove_viewer', { session_id, buyer_id, join_no }).catch(() => {})
    }
}
