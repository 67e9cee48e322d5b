/** A call with an access token and a limit of time, which rejects with the client's own errors alone. */

import type { AccessTokens } from '../access/access_tokens.ts'
import type { Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import { toStreamError } from '../error/stream_error.ts'

/** A call that got no answer in this time is given up; the edge and Postgres give up earlier. */
const CALL_WITHIN_MS = 10_000

/** Sends a call with a token that is valid; without one it is not sent. Rejects with a `StreamError` and nothing else. */
export function boundedCall<T>(
    clock: Clock,
    access: AccessTokens,
    signal: AbortSignal | undefined,
    send: (token: string, signal: AbortSignal) => PromiseLike<T>
): Promise<T> {
    return within(clock, CALL_WITHIN_MS, signal, async (bounded) => send(await access.get(), bounded)).catch(
        (thrown: unknown) => {
            throw toStreamError(thrown)
        }
    )
}
