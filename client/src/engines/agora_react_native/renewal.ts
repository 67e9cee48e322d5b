/** The renewal of a token under way: the SDK says later what came of it, or never. */

import type { Cancel, Clock } from '../../clock/clock.ts'
import { VideoEngineError } from '../engine_error.ts'
import { reasonOfCode } from './reasons.ts'
import type { AgoraRtcEngine } from './sdk.ts'

/** SDKs before 4.6 never tell what came of a renewal. */
const WITHIN_MS = 5_000

export class Renewal {
    readonly #clock: Clock
    #waiting: { resolve(): void; reject(error: Error): void } | null = null
    #ends: Cancel | null = null

    constructor(clock: Clock) {
        this.#clock = clock
    }

    start(rtc: AgoraRtcEngine, token: string): Promise<void> {
        // The SDK answers the older one as overtaken.
        this.settle(null)
        const code = rtc.renewToken(token)
        if (code < 0) {
            // -2: empty or no token; -110: made for another uid or channel.
            const reason = code === -2 ? 'token_invalid' : reasonOfCode(code)
            return Promise.reject(new VideoEngineError(`renewToken returned ${code}`, { reason, code }))
        }
        return new Promise((resolve, reject) => {
            this.#waiting = { resolve, reject }
            this.#ends = this.#clock.after(WITHIN_MS, () => this.settle(null))
        })
    }

    settle(error: Error | null): void {
        const waiting = this.#waiting
        this.#ends?.()
        this.#ends = null
        this.#waiting = null
        if (error === null) waiting?.resolve()
        else waiting?.reject(error)
    }
}
