/** The quality of a connection: latency from heartbeats, loss and bandwidth from a media engine. */

import type { ConnectionQuality } from './connection_types.ts'

const SAMPLES = 5

/** The best quality whose limits hold; beyond all of them it is poor. */
const LIMITS: readonly [quality: ConnectionQuality['quality'], latency: number, packetLoss: number][] = [
    ['excellent', 150, 0.01],
    ['good', 300, 0.03],
    ['fair', 700, 0.08],
]

export class QualityMeter {
    readonly #onChange: (quality: ConnectionQuality) => void
    #latencies: number[] = []
    #missed = 0
    #packetLoss = 0
    #bandwidth = 0

    constructor(onChange: (quality: ConnectionQuality) => void = () => {}) {
        this.#onChange = onChange
    }

    /** A heartbeat was answered after `ms`. */
    answered(ms: number): void {
        this.#latencies = [...this.#latencies, ms].slice(-SAMPLES)
        this.#missed = 0
        this.#onChange(this.quality)
    }

    /** A heartbeat got no answer. */
    missed(): void {
        this.#missed++
        this.#onChange(this.quality)
    }

    /** What the media engine measured: loss from 0 to 1, bandwidth in kilobits a second. */
    media(packetLoss: number, bandwidth: number): void {
        this.#packetLoss = packetLoss
        this.#bandwidth = bandwidth
        this.#onChange(this.quality)
    }

    get quality(): ConnectionQuality {
        const sorted = [...this.#latencies].sort((one, other) => one - other)
        const latency = sorted[Math.floor(sorted.length / 2)] ?? 0
        const fits = LIMITS.find(([, most, loss]) => latency <= most && this.#packetLoss <= loss)
        const quality = this.#missed > 0 ? 'poor' : (fits?.[0] ?? 'poor')
        return { latency, packetLoss: this.#packetLoss, bandwidth: this.#bandwidth, quality }
    }
}
