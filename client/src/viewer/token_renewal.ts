/** The video token: its renewal by heartbeats, by a timer and by the SDK's own warning, one at a time. */

import type { Cancel, Clock } from '../clock/clock.ts'
import { isTerminal, type StreamError, toStreamError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import type { AgoraToken } from '../stream/stream_types.ts'

/** The share of a token's life after which another is asked for. Heartbeats bring one after 75 %. */
const RENEWED_AT = 0.8

/** A warning that comes so soon after a new token is about the old one. */
const FRESH_MS = 10_000

/** No two requests follow each other sooner. */
const LEAST_MS = 2_000
const LONGEST_MS = 30_000

export interface TokenRenewalOptions {
    clock: Clock
    random: Random
    /** The server's time, in milliseconds since 1970: what a token's end is compared with. */
    serverNow: () => number
    fetch: (signal: AbortSignal) => Promise<AgoraToken>
    /** Hands a token to the engine. Never called while another call is under way. */
    apply: (token: AgoraToken, signal: AbortSignal) => Promise<void>
    /** Whether the engine is in a channel: outside, the next join takes the token. */
    isInChannel: () => boolean
    onChange: () => void
    onFailed: (error: StreamError) => void
    /** The engine does not take a token. */
    onNotTaken: () => void
}

export class TokenRenewal {
    readonly #options: TokenRenewalOptions
    #life = new AbortController()
    #token: AgoraToken | null = null
    #takenAt = Number.NEGATIVE_INFINITY
    /** What the engine has. */
    #given: AgoraToken | null = null
    #cancel: Cancel = () => {}
    #request: Promise<void> | null = null
    #applying: Promise<void> | null = null
    #failed = 0
    #isAwaited = false

    constructor(options: TokenRenewalOptions) {
        this.#options = options
    }

    get token(): AgoraToken | null {
        return this.#token
    }

    /** Whether another attempt is planned, after one that failed. */
    get isAwaited(): boolean {
        return this.#isAwaited
    }

    /** A token from whichever side; an older one of the same uid is not taken. */
    take(token: AgoraToken): void {
        const known = this.#token
        if (known?.uid === token.uid && known.expiresAt.getTime() > token.expiresAt.getTime()) return
        this.#takenAt = this.#options.clock.now()
        this.#failed = 0
        this.#isAwaited = false
        if (known?.token !== token.token) this.#token = token
        this.#plan()
        this.#options.onChange()
        void this.#apply()
    }

    /** The join takes the newest token. */
    given(): AgoraToken | null {
        this.#given = this.#token
        return this.#given
    }

    /** Hands over a token that came while the engine was joining with an older one. */
    catchUp(): void {
        void this.#apply()
    }

    /** A new token: asked for, and in the engine's hands where that is in a channel. Rejects where none comes. */
    request(): Promise<void> {
        if (this.#request !== null) return this.#request
        const request = this.#fetch(this.#life.signal).finally(() => {
            if (this.#request === request) this.#request = null
        })
        this.#request = request
        return request
    }

    /** The SDK says that its token ends soon. */
    willExpire(): void {
        if (this.#given !== this.#token) void this.#apply()
        else if (this.#options.clock.now() - this.#takenAt >= FRESH_MS) this.#quietly()
    }

    /** After a sleep, in which timers sleep too. Says whether the token has ended. */
    woken(): boolean {
        if (this.#token === null) return false
        if (this.#hasEnded) return true
        this.#plan()
        return false
    }

    /** Ends what is planned and under way; `take` and `request` begin anew. */
    stop(): void {
        this.#cancel()
        this.#life.abort()
        this.#life = new AbortController()
        this.#request = null
        this.#failed = 0
        this.#isAwaited = false
    }

    /** The token is refused for good, or another user's. */
    forget(): void {
        this.stop()
        this.#token = null
        this.#given = null
        this.#takenAt = Number.NEGATIVE_INFINITY
        this.#options.onChange()
    }

    get #hasEnded(): boolean {
        return this.#token !== null && this.#token.expiresAt.getTime() <= this.#options.serverNow()
    }

    #quietly(): void {
        this.request().catch(() => {})
    }

    #plan(): void {
        const { clock, serverNow } = this.#options
        this.#cancel()
        if (this.#token === null) return
        const expiresAt = this.#token.expiresAt.getTime()
        const passedMs = clock.now() - this.#takenAt
        const lifeMs = expiresAt - serverNow() + passedMs
        this.#cancel = clock.after(Math.max(LEAST_MS, lifeMs * RENEWED_AT - passedMs), () => this.#quietly())
    }

    async #fetch(signal: AbortSignal): Promise<void> {
        const { fetch, onFailed, onChange } = this.#options
        this.#cancel()
        try {
            const asked = fetch(signal)
            // Until another comes there is none: no join is tried with one that has ended.
            if (this.#hasEnded) {
                this.#token = null
                onChange()
            }
            const token = await asked
            if (signal.aborted) return
            this.take(token)
        } catch (thrown) {
            const error = toStreamError(thrown)
            if (!signal.aborted) {
                this.#retry(error)
                onFailed(error)
            }
            throw error
        }
        await this.#applying
    }

    #retry(error: StreamError): void {
        if (isTerminal(error)) return
        const { clock, random, onChange } = this.#options
        const grown = Math.min(LEAST_MS * 2 ** this.#failed++, LONGEST_MS) * (0.5 + random.next())
        this.#isAwaited = true
        this.#cancel()
        this.#cancel = clock.after(Math.max(error.retryAfterMs ?? 0, grown), () => this.#quietly())
        onChange()
    }

    /** One at a time, and in the end the newest. */
    #apply(): Promise<void> {
        this.#applying ??= this.#applyAll().finally(() => {
            this.#applying = null
        })
        return this.#applying
    }

    async #applyAll(): Promise<void> {
        const { apply, isInChannel, onNotTaken } = this.#options
        while (this.#token !== null && this.#given !== this.#token && isInChannel()) {
            const token = this.#token
            this.#given = token
            try {
                await apply(token, this.#life.signal)
            } catch {
                // A newer one, or a join, has taken its place.
                if (this.#given === token && isInChannel()) onNotTaken()
                return
            }
        }
    }
}
