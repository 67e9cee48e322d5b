/** Deadlines: nothing in the demo waits without one of these bounds. */

/** One HTTP call, body included. */
export const CALL_WITHIN_MS = 10_000
/** Joining a channel until the server says that database broadcasts arrive; Realtime itself gives up after 60 s. */
export const READY_WITHIN_MS = 30_000
/** Everything committed being seen by everybody. Far above the promise of 100 ms: this bound decides loss, not speed. */
export const SEEN_WITHIN_MS = 10_000
/** The same for a participant who already missed something: what is lost is lost, but one late frame is still news. */
export const LATE_SEEN_WITHIN_MS = 1_000
/** Leaving all channels and closing the socket of one participant. */
export const LEAVE_WITHIN_MS = 5_000

export class DeadlineError extends Error {
    name = 'DeadlineError'
}

/**
 * The promise, or a DeadlineError that says what was awaited. The timer never outlives the promise.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} withinMs
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function withDeadline(promise, withinMs, what) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const expired = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new DeadlineError(`${what}: no answer within ${withinMs} ms`)), withinMs)
    })
    try {
        return await /** @type {Promise<T>} */ (Promise.race([promise, expired]))
    } finally {
        clearTimeout(timer)
    }
}

/**
 * fetch that gives up, headers or body, after CALL_WITHIN_MS; given to supabase-js, whose calls have no bound of their own.
 * @param {Parameters<typeof fetch>[0]} input
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export function fetchWithin(input, init) {
    const bound = AbortSignal.timeout(CALL_WITHIN_MS)
    const signal = init?.signal ? AbortSignal.any([init.signal, bound]) : bound
    return fetch(input, { ...init, signal })
}
