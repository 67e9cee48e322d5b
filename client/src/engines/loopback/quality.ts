/** Measures the network by the statistics of peer connections, as differences between two readings. */

import type { VideoQuality } from '../../viewer/video_engine.ts'

interface Reading {
    atMs: number
    received: { bytes: number; packets: number; lost: number }
    sent: { bytes: number; lostShare: number }
}

/** Shares of lost packets up to which the network is excellent, good, poor and bad. */
const GRADES = [0.01, 0.03, 0.07, 0.15]
const VERY_BAD = 5
const DOWN = 6

export class QualityMeter {
    #last: Reading | null = null

    /** The quality since the reading before; null for the first one and without a connection. */
    read(atMs: number, receiving: RTCStatsReport[], sending: RTCStatsReport[]): VideoQuality | null {
        if (receiving.length + sending.length === 0) {
            this.#last = null
            return null
        }
        const reading = sum(atMs, receiving, sending)
        const last = this.#last
        this.#last = reading
        // Fewer than before: a connection was replaced, and its counters began anew.
        if (last === null || reading.received.bytes < last.received.bytes || reading.sent.bytes < last.sent.bytes)
            return null
        const seconds = Math.max(0.001, (atMs - last.atMs) / 1_000)
        const lost = Math.max(0, reading.received.lost - last.received.lost)
        const arrived = reading.received.packets - last.received.packets
        const lostShare = lost + arrived === 0 ? 0 : lost / (lost + arrived)
        const bytes =
            receiving.length > 0 ? reading.received.bytes - last.received.bytes : reading.sent.bytes - last.sent.bytes
        return {
            uplink: sending.length === 0 ? 0 : grade(reading.sent.lostShare),
            downlink: receiving.length === 0 ? 0 : arrived === 0 ? DOWN : grade(lostShare),
            packetLoss: receiving.length > 0 ? lostShare : reading.sent.lostShare,
            bandwidth: Math.round((bytes * 8) / 1_000 / seconds),
        }
    }
}

function grade(lostShare: number): number {
    const index = GRADES.findIndex((most) => lostShare <= most)
    return index === -1 ? VERY_BAD : index + 1
}

function sum(atMs: number, receiving: RTCStatsReport[], sending: RTCStatsReport[]): Reading {
    const reading: Reading = { atMs, received: { bytes: 0, packets: 0, lost: 0 }, sent: { bytes: 0, lostShare: 0 } }
    for (const report of receiving) {
        report.forEach((entry: RTCInboundRtpStreamStats) => {
            if (entry.type !== 'inbound-rtp') return
            reading.received.bytes += entry.bytesReceived ?? 0
            reading.received.packets += entry.packetsReceived ?? 0
            reading.received.lost += entry.packetsLost ?? 0
        })
    }
    for (const report of sending) {
        report.forEach((entry: RTCOutboundRtpStreamStats & { fractionLost?: number }) => {
            if (entry.type === 'outbound-rtp') reading.sent.bytes += entry.bytesSent ?? 0
            else if ((entry.type as string) === 'remote-inbound-rtp')
                reading.sent.lostShare = Math.max(reading.sent.lostShare, entry.fractionLost ?? 0)
        })
    }
    return reading
}
