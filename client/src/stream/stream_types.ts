/** The words of a stream: its states, and the shapes that the stream service returns. */

import { type Constants, constants } from '../constants/constants.ts'
import type { AgoraToken, Session, TokenPrivileges } from '../contract/named.ts'

export type StreamState = 'initializing' | 'active' | 'paused' | 'ended' | 'error'

export const StreamState: Constants<StreamState> = /* @__PURE__ */ constants(
    'initializing',
    'active',
    'paused',
    'ended',
    'error'
)

/** A stream as the services return it. */
export interface StreamSession extends Session {
    /** Users who watch, the first two hundred; only the seller is told. */
    viewers: string[]
}

export type { AgoraToken, TokenPrivileges }
