/** Which of the sender's two layers is received, by what the app asks for and what the network carries. */

import type { VideoLayer, VideoQuality } from './video_engine.ts'
import type { StreamQuality } from './viewer_types.ts'

/** The worst of the SDK's marks and loss for the high layer, and how good they must be for it to come back. */
const LIMITS = {
    medium: { falls: 3, rises: 1, loss: 0.03 },
    auto: { falls: 4, rises: 2, loss: 0.08 },
} as const

/** Measurements in a row, about two seconds apart, until the layer falls, and until it rises for the first time. */
const FALLS_AFTER = 2
const RISES_AFTER = 5
/** Each fall doubles what it takes to rise, up to this. */
const MOST_RISES_AFTER = 40

export interface LayerState {
    readonly layer: VideoLayer
    readonly bad: number
    readonly good: number
    readonly risesAfter: number
}

/** `low` and `high` are what they say; `auto` begins high, `medium` low, to save data while the network is not at its best. */
export function firstLayer(quality: StreamQuality): LayerState {
    const layer = quality === 'low' || quality === 'medium' ? 'low' : 'high'
    return { layer, bad: 0, good: 0, risesAfter: RISES_AFTER }
}

export function nextLayer(state: LayerState, quality: StreamQuality, measured: VideoQuality): LayerState {
    if (quality === 'low' || quality === 'high') return state
    // 0 says that it is not known.
    if (measured.downlink === 0) return state
    const { falls, rises, loss } = LIMITS[quality]
    const isBad = measured.downlink >= falls || measured.packetLoss > loss
    const isGood = measured.downlink <= rises && measured.packetLoss <= loss / 2
    const bad = isBad ? state.bad + 1 : 0
    const good = isGood ? state.good + 1 : 0
    if (state.layer === 'high' && bad >= FALLS_AFTER) {
        return { layer: 'low', bad: 0, good: 0, risesAfter: Math.min(state.risesAfter * 2, MOST_RISES_AFTER) }
    }
    if (state.layer === 'low' && good >= state.risesAfter) return { ...state, layer: 'high', bad: 0, good: 0 }
    return { ...state, bad, good }
}

/** The layer of one viewer, over its measurements. */
export class LayerChoice {
    #quality: StreamQuality
    #state: LayerState

    constructor(quality: StreamQuality) {
        this.#quality = quality
        this.#state = firstLayer(quality)
    }

    get layer(): VideoLayer {
        return this.#state.layer
    }

    choose(quality: StreamQuality): VideoLayer {
        this.#quality = quality
        this.#state = firstLayer(quality)
        return this.layer
    }

    measured(quality: VideoQuality): VideoLayer {
        this.#state = nextLayer(this.#state, this.#quality, quality)
        return this.layer
    }
}
