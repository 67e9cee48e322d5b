/** Promises that are kept when the facts of a viewer say so. */

import type { StreamError } from '../error/stream_error.ts'
import type { ViewerFacts } from './facts.ts'

interface Waiter {
    isReached: (facts: ViewerFacts) => boolean
    resolve: () => void
    reject: (error: StreamError) => void
}

export class Until {
    readonly #waiters = new Set<Waiter>()

    /** Resolves at the first facts for which `isReached` is true; rejects with what ends the viewer before. */
    wait(facts: ViewerFacts, isReached: (facts: ViewerFacts) => boolean): Promise<void> {
        if (isReached(facts)) return Promise.resolve()
        return new Promise((resolve, reject) => {
            this.#waiters.add({ isReached, resolve, reject })
        })
    }

    check(facts: ViewerFacts): void {
        for (const waiter of this.#waiters) {
            if (!waiter.isReached(facts)) continue
            this.#waiters.delete(waiter)
            waiter.resolve()
        }
    }

    reject(error: StreamError): void {
        const waiters = [...this.#waiters]
        this.#waiters.clear()
        for (const waiter of waiters) waiter.reject(error)
    }
}
