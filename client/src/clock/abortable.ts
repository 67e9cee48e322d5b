/** Waiting that ends early, with an error, when its signal is aborted. */

import { abortedError } from '../error/stream_error.ts'

/**
 * Waits for what `start` begins, or for the signal. `start` settles the promise later, never at once, and returns what is
 * run when it is settled, whichever way.
 */
export function abortable<T>(
    signal: AbortSignal | undefined,
    start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void
): Promise<T> {
    return new Promise((resolve, reject) => {
        const settle = (result: () => void) => {
            signal?.removeEventListener('abort', onAbort)
            end()
            result()
        }
        const onAbort = () => settle(() => reject(abortedError(signal)))
        const end = start(
            (value) => settle(() => resolve(value)),
            (error) => settle(() => reject(error))
        )
        if (signal?.aborted) onAbort()
        else signal?.addEventListener('abort', onAbort, { once: true })
    })
}

/** The same for what is under way already; `end` is run when it is settled, whichever way. */
export function raced<T>(
    signal: AbortSignal | undefined,
    work: PromiseLike<T>,
    end: () => void = () => {}
): Promise<T> {
    return abortable(signal, (resolve, reject) => {
        work.then(resolve, reject)
        return end
    })
}
