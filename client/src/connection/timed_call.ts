/** Calls whose answers tell the server's time, and the oldest client that it serves. */

import type { Args, Result } from '../transport/transport.ts'
import type { ConnectionParts } from './connection_parts.ts'
import { obeyContract } from './contract_version.ts'

/** The answer, with its round trip. Rejects where the server serves later clients only. */
export async function timedCall<Name extends 'heartbeat' | 'join_stream' | 'sync'>(
    { transport, clock, serverClock }: Pick<ConnectionParts, 'transport' | 'clock' | 'serverClock'>,
    name: Name,
    args: Args<Name>,
    signal: AbortSignal
): Promise<{ result: Result<Name>; roundTripMs: number }> {
    const sentAt = clock.now()
    const result = await transport.call(name, args, { signal })
    const answeredAt = clock.now()
    obeyContract(result)
    serverClock.note('sync' in result ? result.sync.server_time : result.server_time, sentAt, answeredAt)
    return { result, roundTripMs: answeredAt - sentAt }
}
