/** Waiting that ends early, with an error, when its signal is aborted. */

import { abortedError } from '../error/stream_error.ts'
import type { Clock } from './clock.ts'

export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortedError(signal))
        const onAbort = () => {
            cancel()
            reject(abortedError(signal))
        }
        const cancel = clock.after(ms, () => {
            signal?.removeEventListener('abort', onAbort)
            resolve()
        })
        signal?.addEventListener('abort', onAbort, { once: true })
    })
}
