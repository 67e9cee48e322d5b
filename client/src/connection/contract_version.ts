/** Versions of the contract, `major.minor`, and the oldest one that a server serves. */

import { CONTRACT_VERSION } from '../contract/operations.ts'
import { StreamError } from '../error/stream_error.ts'

/** Refuses to go on with a server that serves later clients only: nothing but another version of the app helps. */
export function obeyContract({ oldest_client: oldest }: { oldest_client?: string }): void {
    if (oldest && numberOf(CONTRACT_VERSION) < numberOf(oldest)) {
        throw new StreamError('client_too_old', `${oldest} is served`)
    }
}

/** A number that is greater the later the version is. */
function numberOf(version: string): number {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    return major * 1_000_000 + minor
}
