/** The entry point of apps whose calls go to edge_api: the same client, which takes its URL. */

import { createStreamClient as create, type StreamClient, type StreamClientOptions } from './client.ts'
import { EdgeTransport, type Fetch } from './transport/edge_transport.ts'

export type { Fetch }

export interface EdgeClientOptions extends Omit<StreamClientOptions, 'transport'> {
    /** Where edge_api is. Calls go over Supabase RPC without it. */
    edgeUrl?: string | undefined
    /** Carries the calls to the edge; the platform's own when left out. */
    fetch?: Fetch | undefined
}

/** A client of pg_stream over a Supabase client, whose calls go to the edge. */
export function createStreamClient({ edgeUrl, fetch, ...options }: EdgeClientOptions): StreamClient {
    if (edgeUrl === undefined) return create(options)
    return create({ ...options, transport: (parts) => new EdgeTransport({ edgeUrl, fetch, ...parts }) })
}
