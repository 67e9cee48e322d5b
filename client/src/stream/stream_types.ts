/** The words of a stream: its states, and the shapes that the stream service returns. */

import type { AgoraToken, Session, TokenPrivileges } from '../contract/named.ts'

export const StreamState = {
    INITIALIZING: 'initializing',
    ACTIVE: 'active',
    PAUSED: 'paused',
    ENDED: 'ended',
    ERROR: 'error',
} as const
export type StreamState = (typeof StreamState)[keyof typeof StreamState]

/** A stream as the services return it. */
export interface StreamSession extends Session {
    /** Users who watch, the first two hundred; only the seller is told. */
    viewers: string[]
}

export type { AgoraToken, TokenPrivileges }
