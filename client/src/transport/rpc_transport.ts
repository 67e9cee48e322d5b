/** Calls over Supabase RPC: functions of schema `stream` through PostgREST. */

import type { AccessTokens } from '../access/access_tokens.ts'
import type { Clock } from '../clock/clock.ts'
import type { OperationName } from '../contract/operations.ts'
import type { RpcAnswerLike, SupabaseLike } from '../supabase.ts'
import { boundedCall } from './bounded_call.ts'
import { parseObject, refusalError } from './refusal.ts'
import {
    type Args,
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
        // Without a token supabase-js would call as nobody, and the refusal would look like one that does not pass.
        const answer = await boundedCall(this.#clock, this.#access, signal, (_, bounded) =>
            this.#supabase
                .schema(SCHEMA)
                .rpc(name, given(args) as never)
                .setHeader('x-client-info', CLIENT_INFO)
                .abortSignal(bounded)
        )
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
    const messages = [error?.message]
    return refusalError({ status, code: error?.code, messages, cause: error }, parseObject(error?.details))
}
