/** `AbortSignal.any`, which React Native does not have; `release` lets go of both signals. */

import { endAll } from '../emitter/emitter.ts'

export function joined(
    one: AbortSignal,
    other: AbortSignal | undefined
): { readonly signal: AbortSignal; readonly release: () => void } {
    const controller = new AbortController()
    const ends = [one, ...(other ? [other] : [])].map((signal) => {
        const abort = () => controller.abort(signal.reason)
        if (signal.aborted) abort()
        signal.addEventListener('abort', abort, { once: true })
        return () => signal.removeEventListener('abort', abort)
    })
    return { signal: controller.signal, release: () => endAll(ends) }
}
