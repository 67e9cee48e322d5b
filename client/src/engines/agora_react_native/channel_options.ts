/** How a channel is joined. */

import type { VideoRole } from '../../viewer/video_engine.ts'
import type { AgoraMediaOptions } from './sdk.ts'

export const LIVE_BROADCASTING = 1
const BROADCASTER = 1
const AUDIENCE = 2
const ULTRA_LOW_LATENCY = 2

/** Nothing is received or sent that was not asked for. */
export function joinOptions(role: VideoRole): AgoraMediaOptions {
    return {
        channelProfile: LIVE_BROADCASTING,
        clientRoleType: role === 'host' ? BROADCASTER : AUDIENCE,
        audienceLatencyLevel: ULTRA_LOW_LATENCY,
        // Only the host is received, by `subscribe`.
        autoSubscribeAudio: false,
        autoSubscribeVideo: false,
        publishCameraTrack: false,
        publishMicrophoneTrack: false,
    }
}
