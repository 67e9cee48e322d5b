/** The way of a call to the server: over Supabase RPC or over edge_api, with the same results and the same errors. */

import type { AccessTokens } from '../access/access_tokens.ts'
import type { Clock } from '../clock/clock.ts'
import { CONTRACT_VERSION, type OperationName, type Operations } from '../contract/operations.ts'
import type { SyncResult } from '../contract/wire.ts'

/** Where every call can be given up. */
export interface CallOptions {
    signal?: AbortSignal | undefined
}

export type Args<Name extends OperationName> = Operations[Name]['args']
export type Result<Name extends OperationName> = Operations[Name]['result']

export interface PollAnswer {
    /** Null: the same as the one of the version that was given. */
    result: SyncResult | null
    version: string
    /** How long the server wants the next poll to wait. */
    pollIntervalMs: number | null
}

/** Makes the way of a client's calls. */
export type TransportFactory = (parts: { access: AccessTokens; clock: Clock }) => Transport

export interface Transport {
    readonly kind: 'rpc' | 'edge'
    /** Calls an operation; rejects with a `StreamError` and nothing else. */
    call<Name extends OperationName>(name: Name, args: Args<Name>, options?: CallOptions): Promise<Result<Name>>
    /** `sync`, for a reader that knows the answer of `version`. */
    poll(args: Args<'sync'>, version: string | null, options?: CallOptions): Promise<PollAnswer>
}

/** How the client names itself and its contract to the server. */
export const CLIENT_INFO: string = `pg-stream-client/0.1.0 contract/${CONTRACT_VERSION}`

/** The arguments that are given; the database has its own defaults for the others. */
export function given(args: object): Record<string, unknown> {
    return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined && value !== null))
}
