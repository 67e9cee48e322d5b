/** What the SDK measured, as one reading. */

import type { IAgoraRTCClient } from 'agora-rtc-sdk-ng'
import type { VideoQuality } from '../../viewer/video_engine.ts'

const PERCENT = 100
const BITS_PER_KILOBIT = 1_000

/** Of an audience the uplink is unknown: it sends nothing. */
export function qualityOf(client: IAgoraRTCClient, isHost: boolean): VideoQuality {
    const { uplinkNetworkQuality, downlinkNetworkQuality } = client.getNetworkQuality()
    const { SendBitrate, RecvBitrate } = client.getRTCStats()
    const losses = Object.values(client.getRemoteVideoStats()).map((stats) => stats.currentPacketLossRate)
    const lost = isHost ? client.getLocalVideoStats().currentPacketLossRate : Math.max(0, ...losses)
    return {
        uplink: isHost ? uplinkNetworkQuality : 0,
        downlink: downlinkNetworkQuality,
        packetLoss: (lost ?? 0) / PERCENT,
        bandwidth: Math.round((isHost ? SendBitrate : RecvBitrate) / BITS_PER_KILOBIT),
    }
}
