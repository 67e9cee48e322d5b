/** What a client of the SDK tells of itself, in the viewer's words. */

import type { IAgoraRTCClient } from 'agora-rtc-sdk-ng'
import type { Emitter } from '../../emitter/emitter.ts'
import type { VideoEngineEvents } from '../../viewer/video_engine.ts'
import { connectionOf } from './reasons.ts'

/** `isIn`: whether the engine is in a channel, or joins one. Ends with the client's listeners. */
export function followClient(client: IAgoraRTCClient, events: Emitter<VideoEngineEvents>, isIn: () => boolean): void {
    let hasJoined = false
    client.on('connection-state-change', (state, _before, reason) => {
        // Of one's own leave the SDK may give no reason.
        const event = connectionOf(state, isIn() ? reason : 'LEAVE', hasJoined)
        if (state === 'CONNECTED') hasJoined = true
        if (state === 'DISCONNECTED') hasJoined = false
        if (event !== null) events.emit('connection', event)
    })
    client.on('token-privilege-will-expire', () => events.emit('tokenWillExpire', undefined))
    client.on('token-privilege-did-expire', () => events.emit('tokenExpired', undefined))
}
