/** The stream service: life of a stream, tokens, state and viewers. */

import type { Calls } from '../call/calls.ts'
import { named } from '../call/named.ts'
import { obeyContract } from '../connection/contract_version.ts'
import type { LivePage, LiveStream, ReactionResult, Session, StreamSummary } from '../contract/named.ts'
import type { OperationName } from '../contract/operations.ts'
import type * as Wire from '../contract/wire.ts'
import type { Args, CallOptions } from '../transport/transport.ts'
import type { AgoraToken, StreamSession, StreamState } from './stream_types.ts'

export interface StreamService {
    startStream(sellerId: string, auctionId: string): Promise<StreamSession>
    endStream(sessionId: string): Promise<void>
    pauseStream(sessionId: string): Promise<void>
    resumeStream(sessionId: string): Promise<void>
    generateSellerToken(sellerId: string, channelId: string): Promise<AgoraToken>
    generateBuyerToken(buyerId: string, channelId: string): Promise<AgoraToken>
    refreshToken(userId: string, channelId: string): Promise<AgoraToken>
    getStreamState(sessionId: string): Promise<StreamState>
    updateStreamState(sessionId: string, state: StreamState): Promise<void>
    addViewer(sessionId: string, buyerId: string): Promise<void>
    removeViewer(sessionId: string, buyerId: string): Promise<void>
    getViewerCount(sessionId: string): Promise<number>
}

/** Viewers that a session names. */
const VIEWERS = 200

export class StreamClientService implements StreamService {
    readonly #calls: Calls
    /** The generation of this device, by stream: another device that takes over makes its calls fail. */
    readonly #generations = new Map<string, number>()
    /** The newest join of this device, by stream. */
    readonly #joins = new Map<string, number>()

    readonly #onHosted: ((session: Wire.Session) => void) | undefined

    constructor(calls: Calls, onHosted?: (session: Wire.Session) => void) {
        this.#calls = calls
        this.#onHosted = onHosted
    }

    /** Starts a stream, or takes over the one that this seller has for the auction. Rejects where this client is too old to host it. */
    async startStream(sellerId: string, auctionId: string, options?: CallOptions): Promise<StreamSession> {
        const args = { seller_id: sellerId, auction_id: auctionId }
        const session = await this.#calls.run('start_stream', args, options)
        obeyContract(session)
        this.#generations.set(session.id, session.generation)
        this.#onHosted?.(session)
        const viewers = session.viewer_count > 0 ? await this.#viewers(session.id, options) : []
        return { ...named<Session>(session), viewers }
    }

    async endStream(sessionId: string, options?: CallOptions): Promise<void> {
        await this.#calls.run('end_stream', this.#hosted(sessionId), options)
        this.#generations.delete(sessionId)
    }

    async pauseStream(sessionId: string, options?: CallOptions): Promise<void> {
        await this.#run('pause_stream', this.#hosted(sessionId), options)
    }

    async resumeStream(sessionId: string, options?: CallOptions): Promise<void> {
        await this.#run('resume_stream', this.#hosted(sessionId), options)
    }

    async generateSellerToken(sellerId: string, channelId: string, options?: CallOptions): Promise<AgoraToken> {
        const args = { seller_id: sellerId, channel_id: channelId, generation: this.generationOf(channelId) }
        return this.#run('generate_seller_token', args, options)
    }

    async generateBuyerToken(buyerId: string, channelId: string, options?: CallOptions): Promise<AgoraToken> {
        const args = { buyer_id: buyerId, channel_id: channelId }
        return this.#run('generate_buyer_token', args, options)
    }

    /** A fresh token of the kind that the user has in this stream. */
    async refreshToken(userId: string, channelId: string, options?: CallOptions): Promise<AgoraToken> {
        const args = { user_id: userId, channel_id: channelId, generation: this.generationOf(channelId) }
        return this.#run('refresh_token', args, options)
    }

    async getStreamState(sessionId: string, options?: CallOptions): Promise<StreamState> {
        return this.#run('get_stream_state', { session_id: sessionId }, options)
    }

    async updateStreamState(sessionId: string, state: StreamState, options?: CallOptions): Promise<void> {
        await this.#run('update_stream_state', { ...this.#hosted(sessionId), state }, options)
    }

    /** Joins a stream; a connection does it by itself. */
    async addViewer(sessionId: string, buyerId: string, options?: CallOptions): Promise<void> {
        const args = { session_id: sessionId, buyer_id: buyerId }
        const { join_no: joinNo } = await this.#calls.run('add_viewer', args, options)
        this.#joins.set(sessionId + buyerId, joinNo)
    }

    /** Leaves a stream. A newer join, from another device, stays. */
    async removeViewer(sessionId: string, buyerId: string, options?: CallOptions): Promise<void> {
        const key = sessionId + buyerId
        const args = { session_id: sessionId, buyer_id: buyerId, join_no: this.#joins.get(key) }
        await this.#calls.run('remove_viewer', args, options)
        this.#joins.delete(key)
    }

    async getViewerCount(sessionId: string, options?: CallOptions): Promise<number> {
        return this.#run('get_viewer_count', { session_id: sessionId }, options)
    }

    /** Reacts to a live stream. One beyond the rate is not accepted, and is not to be sent again. */
    async sendReaction(sessionId: string, kind: string, options?: CallOptions): Promise<ReactionResult> {
        return this.#run('send_reaction', { session_id: sessionId, kind }, options)
    }

    async getSession(sessionId: string, options?: CallOptions): Promise<Session> {
        return this.#run('get_session', { session_id: sessionId }, options)
    }

    /** The stream of an auction, for whoever may watch it. */
    async getLiveStream(auctionId: string, options?: CallOptions): Promise<LiveStream> {
        return this.#run('get_live_stream', { auction_id: auctionId }, options)
    }

    /** A page of the streams that the caller may watch; `after` is the `nextAfter` of the page before. */
    async listLiveStreams(page: { pageSize?: number; after?: string | null } & CallOptions = {}): Promise<LivePage> {
        const args = { page_size: page.pageSize, after: page.after }
        return this.#run('list_live_streams', args, page)
    }

    async getStreamSummary(sessionId: string, options?: CallOptions): Promise<StreamSummary> {
        return this.#run('get_stream_summary', { session_id: sessionId }, options)
    }

    /** The generation with which this client hosts a stream; undefined where it does not. */
    generationOf(sessionId: string): number | undefined {
        return this.#generations.get(sessionId)
    }

    #hosted(sessionId: string): { session_id: string; generation: number | undefined } {
        return { session_id: sessionId, generation: this.generationOf(sessionId) }
    }

    /** A call, whose answer has the client's names. */
    async #run<Name extends OperationName, Named>(
        name: Name,
        args: Args<Name>,
        options: CallOptions | undefined
    ): Promise<Named> {
        return named(await this.#calls.run(name, args, options))
    }

    async #viewers(sessionId: string, options?: CallOptions): Promise<string[]> {
        const args = { session_id: sessionId, page_size: VIEWERS }
        const viewers: Wire.Viewer[] = await this.#calls.run('get_viewers', args, options)
        return viewers.map(({ user_id: userId }) => userId)
    }
}
