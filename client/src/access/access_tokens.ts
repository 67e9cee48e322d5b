/** Access tokens of the signed-in user, one request at a time for all who need one. */

import { oneAtATime } from '../clock/one_at_a_time.ts'
import { StreamError } from '../error/stream_error.ts'
import type { SupabaseLike } from '../supabase.ts'

export class AccessTokens {
    readonly #supabase: Pick<SupabaseLike, 'auth' | 'realtime'>

    constructor(supabase: Pick<SupabaseLike, 'auth' | 'realtime'>) {
        this.#supabase = supabase
    }

    /**
     * A token that supabase-js holds for valid; it renews one that is about to expire. Rejects with `unauthenticated` where
     * nobody is signed in, and with `unreachable` where the renewal got no answer.
     */
    readonly get: () => Promise<string> = oneAtATime(() => this.#fetch())

    /** Gives Realtime a fresh token, before any channel is made: a private channel is judged by the token of its join. */
    readonly authorize: () => Promise<void> = oneAtATime(async () => {
        await this.get()
        await this.#supabase.realtime.setAuth()
    })

    async #fetch(): Promise<string> {
        const token = await this.#held().catch((thrown: unknown) => {
            throw refusalOf(thrown)
        })
        if (!token) throw new StreamError('unauthenticated', undefined, { status: 401 })
        return token
    }

    /** The session is asked itself: the callback of Realtime gives the project's key where a renewal failed. */
    async #held(): Promise<string | null | undefined> {
        const { realtime } = this.#supabase
        const answer = await ownAuth(() => this.#supabase.auth.getSession())
        if (answer?.error) throw answer.error
        if (answer) return answer.data.session?.access_token
        const token = await realtime.accessToken?.()
        return token === realtime.apiKey ? null : token
    }
}

/** A renewal that was refused needs a new sign-in; one without an answer, or that another overtook (409), does not. */
function refusalOf(thrown: unknown): StreamError {
    const { status = 0, message } = (thrown ?? {}) as { status?: number; message?: string }
    const isRefused = status >= 400 && status < 500 && ![408, 409, 429].includes(status)
    const code = isRefused ? 'unauthenticated' : 'unreachable'
    return new StreamError(code, message, { status, cause: thrown })
}

/** What auth of supabase-js answers; undefined with its option `accessToken`, where it has no auth of its own. */
export function ownAuth<Answer>(ask: () => Answer): Answer | undefined {
    try {
        return ask()
    } catch {
        return undefined
    }
}
