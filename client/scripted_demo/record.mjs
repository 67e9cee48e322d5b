/** The record of a play, to be judged and printed: plain data, no token and no key in it. */

/**
 * @typedef {'rpc' | 'edge'} Door how a call reached the database: supabase.rpc or the edge's REST routes
 * @typedef {'seller' | 'buyer'} Role
 * @typedef {'stream' | 'chat' | 'viewers'} Topic
 */

/**
 * @typedef {object} DecodedToken
 * @property {string} app_id
 * @property {number} issued_at_s Unix seconds
 * @property {number} expires_in_s seconds after issued_at_s
 * @property {number[]} services service types in the order of the token
 * @property {string} channel
 * @property {string} uid
 * @property {Record<string, number>} privileges privilege id -> seconds after issued_at_s
 */

/**
 * @typedef {object} GrantedToken what the database said about the token beside the token itself
 * @property {string} channel_id
 * @property {number} uid
 * @property {string} expires_at
 * @property {{can_publish: boolean, can_subscribe: boolean, can_admin: boolean}} privileges
 */

/**
 * @typedef {object} Sighting one Realtime callback
 * @property {Topic} topic
 * @property {string} event
 * @property {number} received_at_ms local wall clock
 * @property {any} payload as received
 */

/**
 * @typedef {object} ParticipantRecord
 * @property {string} name
 * @property {Role} role
 * @property {string} user_id
 * @property {number | null} lease_uid the uid that add_viewer promised; null for the seller
 * @property {{granted: GrantedToken, decoded: DecodedToken | null} | null} token
 * @property {Sighting[]} seen in the order of the callbacks
 * @property {string[]} interruptions what a channel reported after it was ready and before it was left
 */

/**
 * @typedef {object} Answer one call that sent a message, and what came back
 * @property {Door} door
 * @property {number} called_at_ms
 * @property {number} answered_at_ms
 * @property {string} id
 * @property {number} seq
 */

/**
 * @typedef {object} Send one message; more than one answer when its sender repeated it with the same id
 * @property {string} id
 * @property {string} sender name of the participant
 * @property {string} content
 * @property {Answer[]} answers
 * @property {string | null} failure why no answer came
 */

/**
 * @typedef {object} StreamSession
 * @property {string} id
 * @property {string} seller_id
 * @property {string} channel_id
 * @property {string} state
 * @property {number} generation
 * @property {number} host_uid
 */

/**
 * @typedef {object} Run
 * @property {string} app_id
 * @property {boolean} same_clock whether server times may be compared with the local clock
 * @property {number} began_at_ms
 * @property {{states: string[], viewer_count: number}} expected
 * @property {StreamSession | null} session
 * @property {ParticipantRecord[]} participants
 * @property {Send[]} sends
 * @property {{what: string, called_at_ms: number}[]} moves lifecycle calls after the subscription, in order: their states
 * @property {{name: string, called_at_ms: number}[]} joins in order
 */

/**
 * @param {string} appId
 * @param {boolean} sameClock
 * @param {number} beganAtMs
 * @returns {Run}
 */
export function emptyRun(appId, sameClock, beganAtMs) {
    return {
        app_id: appId,
        same_clock: sameClock,
        began_at_ms: beganAtMs,
        expected: { states: [], viewer_count: 0 },
        session: null,
        participants: [],
        sends: [],
        moves: [],
        joins: [],
    }
}

/** Every log entry that a participant saw, in the order of arrival. @param {ParticipantRecord} participant */
export function entriesSeen(participant) {
    return framesSeen(participant).flatMap(({ received_at_ms, payload }) =>
        messagesOf(payload).map((message) => ({ message, received_at_ms, server_time: payload.server_time }))
    )
}

/** The entries of a chat frame; none when the payload is not a frame. @param {any} payload @returns {any[]} */
export function messagesOf(payload) {
    /** @type {unknown} */
    const messages = payload?.messages
    return Array.isArray(messages) ? messages.filter((entry) => entry !== null && typeof entry === 'object') : []
}

/** @param {ParticipantRecord} participant @returns {Sighting[]} */
export function framesSeen(participant) {
    return participant.seen.filter(({ topic, event }) => topic === 'chat' && event === 'messages')
}

/**
 * Whether a digest stood for an entry: it is to be fetched, and no frame shows it.
 * @param {ParticipantRecord} participant
 * @param {number} seq
 */
export function isInDigest(participant, seq) {
    return framesSeen(participant).some(
        ({ payload }) => payload?.digest === true && payload.from_seq <= seq && seq <= payload.to_seq
    )
}

/**
 * The state events in order. The stream starts before anybody can subscribe, so an "initializing" that still arrives is
 * no part of the play.
 * @param {ParticipantRecord} participant
 * @returns {Sighting[]}
 */
export function movesSeen(participant) {
    return participant.seen.filter(
        ({ topic, event, payload }) => topic === 'stream' && event === 'state' && payload?.state !== 'initializing'
    )
}

/** The same moves as the log tells them, as system messages. @param {ParticipantRecord} participant @returns {any[]} */
export function movesLogged(participant) {
    return entriesSeen(participant)
        .map(({ message }) => message)
        .filter(({ metadata }) => metadata?.kind === 'state_changed' && metadata.state !== 'initializing')
}

/** @param {ParticipantRecord} participant @returns {Sighting[]} */
export function countsSeen(participant) {
    return participant.seen.filter(({ topic, event }) => topic === 'viewers' && event === 'viewer_count')
}
