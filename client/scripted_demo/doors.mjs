/** The two ways of a call to the database, supabase.rpc and the edge's REST routes: a client of the package for each, with the same results. */

/**
 * @typedef {import('./record.mjs').StreamSession} StreamSession
 * @typedef {import('./record.mjs').GrantedToken} GrantedToken
 * @typedef {import('../dist/index.mjs').StreamClient} StreamClient
 * @typedef {import('../dist/index.mjs').AgoraToken} AgoraToken
 */

/** A refused or unanswered call: `code` is the catalogue's code, or the client's own. */
export class CallError extends Error {
    name = 'CallError'

    /** @param {string} call @param {number} status @param {string} code @param {string} message */
    constructor(call, status, code, message) {
        super(`${call}: ${status} ${code}: ${message}`)
        this.status = status
        this.code = code
    }
}

export class Door {
    /** @param {import('./record.mjs').Door} name @param {StreamClient} client over this way, of a signed-in user */
    constructor(name, client) {
        this.name = name
        this.client = client
    }

    /** @param {string} sellerId @param {string} auctionId @returns {Promise<StreamSession>} */
    startStream(sellerId, auctionId) {
        return this.#call('startStream', async ({ stream }) => {
            const { id, channelId, state, generation, hostUid } = await stream.startStream(sellerId, auctionId)
            return { id, seller_id: sellerId, channel_id: channelId, state, generation, host_uid: hostUid }
        })
    }

    /** @param {StreamSession} session @param {'active'} state */
    updateStreamState({ id }, state) {
        return this.#call('updateStreamState', ({ stream }) => stream.updateStreamState(id, state))
    }

    /** @param {StreamSession} session */
    pauseStream({ id }) {
        return this.#call('pauseStream', ({ stream }) => stream.pauseStream(id))
    }

    /** @param {StreamSession} session */
    resumeStream({ id }) {
        return this.#call('resumeStream', ({ stream }) => stream.resumeStream(id))
    }

    /** @param {StreamSession} session */
    endStream({ id }) {
        return this.#call('endStream', ({ stream }) => stream.endStream(id))
    }

    /** @param {string} sellerId @param {StreamSession} session @returns {Promise<AgoraToken>} */
    sellerToken(sellerId, { channel_id }) {
        return this.#call('generateSellerToken', ({ stream }) => stream.generateSellerToken(sellerId, channel_id))
    }

    /**
     * With an id of its own, so that the same message can be sent again by the other way.
     * @param {string} sessionId @param {string} content @param {string} id
     * @returns {Promise<{id: string, seq: number}>}
     */
    sendMessage(sessionId, content, id) {
        const args = { session_id: sessionId, content, id }
        return this.#call('send_message', ({ core }) => core.calls.run('send_message', args))
    }

    /** @template T @param {string} what @param {(client: StreamClient) => Promise<T>} call @returns {Promise<T>} */
    async #call(what, call) {
        try {
            return await call(this.client)
        } catch (/** @type {any} */ error) {
            const system = error.cause?.cause?.code ?? error.cause?.code
            const why = system ? `${error.message} (${system})` : error.message
            throw new CallError(`${this.name} ${what}`, error.status ?? 0, error.code ?? 'no_code', why)
        }
    }
}

/** What the database said about a token, without the token. @param {AgoraToken} token @returns {GrantedToken} */
export function grantedBy({ channelId, uid, expiresAt, privileges }) {
    const { canPublish, canSubscribe, canAdmin } = privileges
    const rights = { can_publish: canPublish, can_subscribe: canSubscribe, can_admin: canAdmin }
    return { channel_id: channelId, uid, expires_at: expiresAt.toISOString(), privileges: rights }
}
