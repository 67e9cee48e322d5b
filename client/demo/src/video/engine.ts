/** The engine that carries the video: Agora where an App ID is configured, else peer connections between browsers of this machine. */

import { agoraWebEngine } from '@pg-stream/client/agora-web'
import { loopbackEngine } from '@pg-stream/client/loopback'
import type { VideoEngineFactory } from '@pg-stream/client/viewer'
import type { Settings } from '../backend/settings.ts'

export async function engineFor({ agoraAppId, supabaseUrl }: Settings): Promise<VideoEngineFactory<HTMLElement>> {
    // The picture comes from the studio, which takes the place of the browser's camera for both.
    if (agoraAppId === null) return loopbackEngine({ url: supabaseUrl, picture: 'camera' })
    const { default: AgoraRTC } = await import('agora-rtc-sdk-ng')
    return agoraWebEngine({ AgoraRTC, appId: agoraAppId })
}
