/** A viewer's side towards the stream: its connection, tokens for the video, and the word that the seller is live. */

import { named } from '../call/named.ts'
import type { StreamClient } from '../client.ts'
import { sleep } from '../clock/sleep.ts'
import type { Connection } from '../connection/connection.ts'
import type { HeldConnection } from '../connection/connections.ts'
import type { Unsubscribe } from '../emitter/emitter.ts'
import { isTerminal, StreamError, toStreamError } from '../error/stream_error.ts'
import { type AgoraToken, StreamState } from '../stream/stream_types.ts'
import type { ViewerFacts } from './facts.ts'
import { pauseMs } from './recovery_ladder.ts'

export interface StreamAccessOptions {
    client: StreamClient
    sessionId: string
    userId: string
    role: 'seller' | 'buyer'
    generation: number | undefined
    onFacts: (change: Partial<ViewerFacts>) => void
    onToken: (token: AgoraToken) => void
    /** The stream is over for this viewer. */
    onEnd: (error: StreamError) => void
    /** The uid with which this device hosts, whenever something changes. */
    onHosting: (uid: number) => void
    /** All is caught up, also where the app itself has begun again after an end. */
    onRestored: () => void
}

export class StreamAccess {
    readonly #options: StreamAccessOptions
    #held: HeldConnection | null = null
    #ends: Unsubscribe[] = []

    constructor(options: StreamAccessOptions) {
        this.#options = options
    }

    get connection(): Connection | null {
        return this.#held?.connection ?? null
    }

    /** `onClosed`: the app has ended the connection. Throws where the client was disposed of. */
    open(onClosed: () => void): void {
        const { client, sessionId, userId, role, onFacts, onToken, onEnd, onRestored } = this.#options
        const generation = this.#generation
        this.#held = client.hold({ sessionId, userId, role, ...(generation !== undefined && { generation }) })
        const { connection } = this.#held
        // A connection that is shared may have one of another role, whose uid would throw the host out.
        const take = (token: AgoraToken) => {
            if (token.privileges.canPublish === (role === 'seller')) onToken(token)
        }
        this.#ends = [
            connection.on('token', take),
            connection.on('error', onEnd),
            connection.on('restored', onRestored),
            connection.on('state', ({ state, reason }) => {
                onFacts({ connectionState: state })
                if (reason === 'disconnect') onClosed()
            }),
            connection.store.on('change', () => this.#changed(connection)),
        ]
        onFacts({ connectionState: connection.state })
        if (connection.token !== null) take(connection.token)
        this.#changed(connection)
        if (connection.error !== null) onEnd(connection.error)
    }

    /** Begins again after an end. */
    reopen(): void {
        const connection = this.connection
        if (connection === null) return
        const generation = this.#generation
        if (this.#options.role === 'seller' && generation !== undefined) connection.host({ role: 'seller', generation })
        if (connection.error !== null) connection.open('reconnect')
        this.#changed(connection)
    }

    close(): void {
        for (const end of this.#ends) end()
        this.#ends = []
        void this.#held?.release()
        this.#held = null
    }

    /** A new token; `isFirst`: this device has had none. */
    async fetchToken(isFirst: boolean, signal: AbortSignal): Promise<AgoraToken> {
        const { client, sessionId, userId, role } = this.#options
        const { calls } = client.core
        const args = { channel_id: sessionId, generation: this.#generation }
        if (!isFirst) return named(await calls.run('refresh_token', { ...args, user_id: userId }, { signal }))
        if (role === 'seller') {
            return named(await calls.run('generate_seller_token', { ...args, seller_id: userId }, { signal }))
        }
        return named(await calls.run('generate_buyer_token', { channel_id: sessionId, buyer_id: userId }, { signal }))
    }

    /** Says that the seller's video is in the channel: again and again while the service cannot be told. */
    async announce(signal: AbortSignal): Promise<void> {
        const { client, sessionId } = this.#options
        const { calls, clock, random } = client.core
        for (let attempt = 1; ; attempt++) {
            const args = { session_id: sessionId, generation: this.#generation, state: StreamState.ACTIVE }
            try {
                await calls.run('update_stream_state', args, { signal })
                return
            } catch (thrown) {
                const error = toStreamError(thrown)
                // Somebody has said so already.
                if (error.code === 'illegal_transition') return
                if (isTerminal(error)) throw error
                await sleep(clock, Math.max(error.retryAfterMs ?? 0, pauseMs(attempt, random.next())), signal)
            }
        }
    }

    /** Tells the connection of a refusal, which ends it or makes it take its place again. */
    report(error: StreamError): void {
        this.connection?.report(error)
    }

    /** The newest that this device hosts with. */
    get #generation(): number | undefined {
        const { client, sessionId, generation, role } = this.#options
        if (role === 'buyer') return undefined
        const known = client.stream.generationOf(sessionId)
        return known === undefined || generation === undefined ? (known ?? generation) : Math.max(known, generation)
    }

    #changed({ store }: Connection): void {
        const { role, onFacts, onEnd, onHosting } = this.#options
        const { state, hostUid, reconnectDeadline, generation } = store.snapshot
        onFacts({ streamState: state, hostUid, reconnectDeadline })
        const own = this.#generation
        if (role === 'seller' && own === generation && hostUid !== null) onHosting(hostUid)
        if (own !== undefined && generation !== null && generation > own) {
            onEnd(new StreamError('stale_host', 'another device of the seller has taken the stream over'))
        }
        if (state === 'ended') onEnd(new StreamError('stream_ended', 'the stream has ended'))
    }
}
