/** Access tokens of the signed-in user, one request at a time for all who need one. */

import { StreamError } from '../error/stream_error.ts'
import type { RealtimeLike } from '../supabase.ts'

export class AccessTokens {
    readonly #realtime: RealtimeLike
    #fetching: Promise<string> | null = null
    #authorizing: Promise<void> | null = null

    constructor(realtime: RealtimeLike) {
        this.#realtime = realtime
    }

    /**
     * A token that supabase-js holds for valid; it renews one that is about to expire. Rejects with `unauthenticated` where
     * nobody is signed in, and with `unreachable` where the renewal got no answer.
     */
    get(): Promise<string> {
        this.#fetching ??= this.#fetch().finally(() => {
            this.#fetching = null
        })
        return this.#fetching
    }

    /** Gives Realtime a fresh token, before any channel is made: a private channel is judged by the token of its join. */
    authorizeRealtime(): Promise<void> {
        this.#authorizing ??= this.get()
            .then(() => this.#realtime.setAuth())
            .finally(() => {
                this.#authorizing = null
            })
        return this.#authorizing
    }

    async #fetch(): Promise<string> {
        let token: string | null | undefined
        try {
            token = await this.#realtime.accessToken?.()
        } catch (thrown) {
            throw refusalOf(thrown)
        }
        if (!token) throw new StreamError('unauthenticated', 'nobody is signed in', { status: 401 })
        return token
    }
}

/** A renewal that was refused needs a new sign-in; one without an answer does not. */
function refusalOf(thrown: unknown): StreamError {
    const { status = 0, message = 'no access token' } = (thrown ?? {}) as { status?: number; message?: string }
    const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429
    const code = isRefused ? 'unauthenticated' : 'unreachable'
    return new StreamError(code, message, { status, cause: thrown })
}
