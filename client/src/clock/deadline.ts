/** A bound on how long an operation may take, joined with the caller's own signal. */

import { abortedError, StreamError } from '../error/stream_error.ts'
import { raced } from './abortable.ts'
import type { Clock } from './clock.ts'
import { joined } from './joined.ts'

/**
 * Runs `operation` with a signal that is aborted by the caller's signal or after `ms`. Rejects at that moment, also when
 * the operation takes no notice of its signal.
 */
export async function within<T>(
    clock: Clock,
    ms: number,
    outer: AbortSignal | undefined,
    operation: (signal: AbortSignal) => PromiseLike<T>
): Promise<T> {
    if (outer?.aborted) throw abortedError(outer)
    const late = new AbortController()
    const cancel = clock.after(ms, () => late.abort(new StreamError('timed_out')))
    const { signal, release } = joined(late.signal, outer)
    return raced(signal, operation(signal), () => {
        cancel()
        release()
    })
}
