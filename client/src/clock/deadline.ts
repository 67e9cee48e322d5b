/** A bound on how long an operation may take, joined with the caller's own signal. */

import { abortedError, StreamError } from '../error/stream_error.ts'
import type { Clock } from './clock.ts'

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
    const controller = new AbortController()
    let giveUp: (error: StreamError) => void = () => {}
    const ended = new Promise<never>((_, reject) => {
        giveUp = (error) => {
            reject(error)
            controller.abort(error)
        }
    })
    const onAbort = () => giveUp(abortedError(outer))
    const cancel = clock.after(ms, () => giveUp(new StreamError('timed_out', `no answer within ${ms} ms`)))
    outer?.addEventListener('abort', onAbort, { once: true })
    try {
        return await Promise.race([operation(controller.signal), ended])
    } finally {
        cancel()
        outer?.removeEventListener('abort', onAbort)
    }
}
