/** The SDK's words in those of the viewer. */

import type { RemoteVideoState, VideoConnectionReason, VideoEngineEvents } from '../../viewer/video_engine.ts'

/** ConnectionDisconnectedReason. */
const DISCONNECTED: Record<string, VideoConnectionReason> = {
    LEAVE: 'left',
    NETWORK_ERROR: 'lost',
    SERVER_ERROR: 'error',
    UID_BANNED: 'banned',
    IP_BANNED: 'banned',
    CHANNEL_BANNED: 'banned',
    TOKEN_EXPIRE: 'token_expired',
    UID_CONFLICT: 'taken_over',
}

/** Null for states that say nothing of their own. `hasJoined`: whether it was connected before. */
export function connectionOf(
    state: string,
    reason: string | undefined,
    hasJoined: boolean
): VideoEngineEvents['connection'] | null {
    switch (state) {
        case 'CONNECTING':
            return { state: 'connecting', reason: 'joining' }
        case 'CONNECTED':
            return { state: 'connected', reason: hasJoined ? 'rejoined' : 'joined' }
        case 'RECONNECTING':
            return { state: 'reconnecting', reason: 'interrupted' }
        case 'DISCONNECTED': {
            const known = DISCONNECTED[reason ?? ''] ?? 'error'
            return { state: known === 'left' ? 'disconnected' : 'failed', reason: known }
        }
        default:
            return null
    }
}

/** What the code of a rejected call says of the connection. */
export function reasonOfCode(code: string, message: string): VideoConnectionReason {
    switch (code) {
        case 'TOKEN_EXPIRE':
            return 'token_expired'
        case 'UID_CONFLICT':
            return 'taken_over'
        // The usual one for a token that the server does not take: its message names the dynamic key.
        case 'CAN_NOT_GET_GATEWAY_SERVER':
            if (/dynamic key expired|token expire/i.test(message)) return 'token_expired'
            return /dynamic|token/i.test(message) ? 'token_invalid' : 'join_failed'
        case 'UPDATE_TICKET_FAILED':
            return 'token_invalid'
        case 'INVALID_PARAMS':
        case 'NOT_SUPPORTED':
        case 'WEB_SECURITY_RESTRICT':
            return 'refused'
        // A second join, or a leave that is not over.
        case 'INVALID_OPERATION':
            return 'join_failed'
        default:
            return 'error'
    }
}

/** VideoState. */
const VIDEO_STATES: readonly RemoteVideoState[] = ['stopped', 'starting', 'decoding', 'frozen']

export function remoteVideoStateOf(state: number): RemoteVideoState {
    return VIDEO_STATES[state] ?? 'failed'
}
