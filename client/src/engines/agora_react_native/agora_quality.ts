/** The SDK's two callbacks about the network, each every two seconds, as one measurement. */

import type { VideoQuality } from '../../viewer/video_engine.ts'
import type { AgoraRtcStats } from './sdk.ts'

const PERCENT = 100
/** QualityDown; above it are 7, unsupported, and 8, still being detected. */
const WORST = 6

export class AgoraQuality {
    readonly #tell: (quality: VideoQuality) => void
    #uplink = 0
    #downlink = 0

    constructor(tell: (quality: VideoQuality) => void) {
        this.#tell = tell
    }

    network(uplink: number, downlink: number): void {
        this.#uplink = uplink > WORST ? 0 : uplink
        this.#downlink = downlink > WORST ? 0 : downlink
    }

    /** Of an audience the uplink is unknown: it sends nothing. */
    stats(stats: AgoraRtcStats, isHost: boolean): void {
        const lost = isHost ? stats.txPacketLossRate : stats.rxPacketLossRate
        const bandwidth = isHost ? stats.txKBitRate : stats.rxKBitRate
        this.#tell({
            uplink: isHost ? this.#uplink : 0,
            downlink: this.#downlink,
            packetLoss: (lost ?? 0) / PERCENT,
            bandwidth: bandwidth ?? 0,
        })
    }

    reset(): void {
        this.#uplink = 0
        this.#downlink = 0
    }
}
