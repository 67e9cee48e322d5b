/** The kinds of findings, each of which the tests provoke. */

export const FINDING_KINDS = Object.freeze(
    /** @type {const} */ ([
        'play_incomplete', // the play stopped before there was a stream
        'channel_interrupted', // a channel reported trouble after it was ready
        // Calls
        'send_failed', // a message was refused or its call not answered
        'answer_differs', // a repeat with the same id was answered with another entry
        'order_contradicts_calls', // a message sent after another was answered has the lower seq
        // Chat, per participant
        'message_missing',
        'message_doubled',
        'message_out_of_order', // arrived after a higher seq
        'message_altered', // other sender or content than sent
        'message_unknown', // nobody sent it
        'answer_contradicts_log', // the sender was told another seq
        'clock_disorder', // created_at does not rise with seq
        // Frames of the log, per participant
        'frame_hole', // from_seq is not the previous to_seq + 1
        'frame_inconsistent', // its messages are not from_seq..to_seq, or head_seq is lower
        'epoch_changed',
        'session_foreign', // a payload of another session on this session's topic
        // State events, per participant
        'state_missing',
        'state_unexpected', // doubled or not played
        'state_out_of_order',
        'state_contradicts_session', // previous state, generation or host uid do not fit
        'state_contradicts_log', // the log tells other moves than the events
        // Viewer counts, per participant
        'viewer_count_low', // never reached the number of viewers
        'viewer_count_impossible', // negative, falling before the end, above its peak or the number who had joined
        // Tokens
        'token_undecodable',
        'token_app',
        'token_channel',
        'token_uid', // not the one granted, promised at the join, or named as the host's
        'token_privileges',
        'token_expiry',
        'uid_shared',
    ])
)

/**
 * @typedef {typeof FINDING_KINDS[number]} FindingKind
 * @typedef {{kind: FindingKind, who: string, what: string}} Finding
 */

/** @param {FindingKind} kind @param {string} who @param {string} what @returns {Finding} */
export function finding(kind, who, what) {
    return { kind, who, what }
}
