/** Calls over Supabase RPC: functions of schema `stream` through PostgREST. */

import type { AccessTokens } from '../access/access_tokens.ts'
import type { Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import type { OperationName } from '../contract/operations.ts'
import { toStreamError } from '../error/stream_error.ts'
import type { RpcAnswerLike, SupabaseLike } from '../supabase.ts'
import { numberOrNull, parseObject, refusalError, textOr } from './refusal.ts'
import {
    type Args,
    CALL_WITHIN_MS,
    type CallOptions,
    CLIENT_INFO,
    given,
    type PollAnswer,
    type Result,
    type Transport,
} from './transport.ts'

const SCHEMA = 'stream'

export class RpcTransport implements Transport {
    readonly kind = 'rpc'
    readonly #supabase: SupabaseLike
    readonly #access: AccessTokens
    readonly #clock: Clock

    constructor(supabase: SupabaseLike, access: AccessTokens, clock: Clock) {
        this.#supabase = supabase
        this.#access = access
        this.#clock = clock
    }

    async call<Name extends OperationName>(
        name: Name,
        args: Args<Name>,
        { signal }: CallOptions = {}
    ): Promise<Result<Name>> {
        const answer = await within(this.#clock, CALL_WITHIN_MS, signal, async (bounded) => {
            // Without a token supabase-js would call as nobody, and the refusal would look like one that does not pass.
            await this.#access.get()
            return this.#supabase
                .schema(SCHEMA)
                .rpc(name, given(args))
                .setHeader('x-client-info', CLIENT_INFO)
                .abortSignal(bounded)
        }).catch((thrown: unknown) => {
            throw toStreamError(thrown)
        })
        if (answer.error) throw refused(answer)
        return (answer.data ?? null) as Result<Name>
    }

    async poll(args: Args<'sync'>, version: string | null, options?: CallOptions): Promise<PollAnswer> {
        const result = await this.call('sync', args, options)
        const isSame = result.version === version
        return { result: isSame ? null : result, version: result.version, pollIntervalMs: null }
    }
}

/** The catalogue's code stands in DETAIL; anything else is PostgREST's or Postgres's own. */
function refused({ error, status }: RpcAnswerLike): Error {
    const detail = parseObject(error?.details)
    return refusalError({
        status,
        message: textOr(error?.message, 'the call was refused'),
        code: textOr(detail.code, error?.code ?? ''),
        retryAfterMs: numberOrNull(detail.retry_after_ms),
        field: typeof detail.field === 'string' ? detail.field : null,
        cause: error,
    })
}
