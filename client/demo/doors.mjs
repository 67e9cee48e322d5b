/** The two ways of a call to the database: supabase.rpc and the edge's REST routes, with the same results. */

import { fetchWithin } from './deadline.mjs'

/**
 * @typedef {import('./record.mjs').StreamSession} StreamSession
 * @typedef {import('./record.mjs').GrantedToken} GrantedToken
 * @typedef {import('@supabase/supabase-js').SupabaseClient<any, any, any>} SupabaseClient
 */

/** A refused or unanswered call: `code` is the catalogue's code when the server gave one. */
export class CallError extends Error {
    name = 'CallError'

    /** @param {string} call @param {number} status @param {string} code @param {string} message */
    constructor(call, status, code, message) {
        super(`${call}: ${status} ${code}: ${message}`)
        this.status = status
        this.code = code
    }
}

export class RpcDoor {
    /** @type {'rpc'} */
    name = 'rpc'

    /** @param {SupabaseClient} supabase a signed-in client */
    constructor(supabase) {
        this.supabase = supabase
    }

    /** @param {string} auctionId @returns {Promise<StreamSession>} */
    startStream(auctionId) {
        return this.#call('start_stream', { auction_id: auctionId })
    }

    /** @param {StreamSession} session @param {string} state @returns {Promise<StreamSession>} */
    updateStreamState({ id, generation }, state) {
        return this.#call('update_stream_state', { session_id: id, state, generation })
    }

    /** @param {StreamSession} session @returns {Promise<StreamSession>} */
    pauseStream({ id, generation }) {
        return this.#call('pause_stream', { session_id: id, generation })
    }

    /** @param {StreamSession} session @returns {Promise<StreamSession>} */
    resumeStream({ id, generation }) {
        return this.#call('resume_stream', { session_id: id, generation })
    }

    /** @param {StreamSession} session @returns {Promise<StreamSession>} */
    endStream({ id, generation }) {
        return this.#call('end_stream', { session_id: id, generation })
    }

    /**
     * @param {string} sessionId @param {string} userId @param {string} content @param {string} id
     * @returns {Promise<{id: string, seq: number}>}
     */
    sendMessage(sessionId, userId, content, id) {
        return this.#call('send_message', { session_id: sessionId, user_id: userId, content, id })
    }

    /** @param {string} sessionId @returns {Promise<{agora_uid: number}>} */
    addViewer(sessionId) {
        return this.#call('add_viewer', { session_id: sessionId })
    }

    /** @param {string} userId @param {StreamSession} session @returns {Promise<GrantedToken & {token: string}>} */
    sellerToken(userId, { channel_id, generation }) {
        return this.#call('generate_seller_token', { seller_id: userId, channel_id, generation })
    }

    /** @param {string} userId @param {string} channelId @returns {Promise<GrantedToken & {token: string}>} */
    buyerToken(userId, channelId) {
        return this.#call('generate_buyer_token', { buyer_id: userId, channel_id: channelId })
    }

    /** @param {string} name @param {Record<string, unknown>} parameters @returns {Promise<any>} */
    async #call(name, parameters) {
        const { data, error, status } = await this.supabase.schema('stream').rpc(name, parameters)
        if (error) throw new CallError(`rpc ${name}`, status, codeOf(error), error.message)
        return data
    }
}

export class EdgeDoor {
    /** @type {'edge'} */
    name = 'edge'

    /** @param {string} edgeUrl @param {string} accessToken */
    constructor(edgeUrl, accessToken) {
        this.edgeUrl = edgeUrl
        this.accessToken = accessToken
    }

    /** @param {string} auctionId @returns {Promise<StreamSession>} */
    startStream(auctionId) {
        return this.#call('POST', 'streams', { auction_id: auctionId })
    }

    /** @param {StreamSession} session @param {string} state @returns {Promise<StreamSession>} */
    updateStreamState({ id, generation }, state) {
        return this.#call('PATCH', `streams/${id}/state`, { state, generation })
    }

    /** @param {StreamSession} session @returns {Promise<StreamSession>} */
    pauseStream({ id, generation }) {
        return this.#call('POST', `streams/${id}/pause`, { generation })
    }

    /** @param {StreamSession} session @returns {Promise<StreamSession>} */
    resumeStream({ id, generation }) {
        return this.#call('POST', `streams/${id}/resume`, { generation })
    }

    /** @param {StreamSession} session @returns {Promise<StreamSession>} */
    endStream({ id, generation }) {
        return this.#call('POST', `streams/${id}/end`, { generation })
    }

    /**
     * The edge takes the sender from the JWT, so the user id of the RPC door has no part here.
     * @param {string} sessionId @param {string} _userId @param {string} content @param {string} id
     * @returns {Promise<{id: string, seq: number}>}
     */
    sendMessage(sessionId, _userId, content, id) {
        return this.#call('POST', `streams/${sessionId}/messages`, { content, id })
    }

    /** @param {string} method @param {string} route @param {Record<string, unknown>} body @returns {Promise<any>} */
    async #call(method, route, body) {
        const call = `edge ${method} /v1/${route}`
        const headers = { authorization: `Bearer ${this.accessToken}`, 'content-type': 'application/json' }
        const request = { method, headers, body: JSON.stringify(body) }
        const { response, text } = await fetchWithin(`${this.edgeUrl}/v1/${route}`, request)
            .then(async (response) => ({ response, text: await response.text() }))
            .catch((error) => {
                throw new CallError(call, 0, error.cause?.code ?? error.name, error.message)
            })
        const answer = parseJson(text)
        if (!response.ok || answer === undefined) {
            const said = answer?.detail ?? answer?.title ?? text.slice(0, 200)
            throw new CallError(call, response.status, answer?.code ?? 'no_code', said)
        }
        return answer
    }
}

/**
 * The catalogue's code stands in DETAIL; anything else is PostgREST's or Postgres's own.
 * @param {{code?: string, details?: string | null}} error
 */
function codeOf(error) {
    return parseJson(error.details ?? '')?.code || error.code || 'no_code'
}

/** @param {string} text @returns {any} undefined when it is not JSON */
function parseJson(text) {
    try {
        return JSON.parse(text)
    } catch {
        return undefined
    }
}
