/** A value that components read and anything may change. */

import { useSyncExternalStore } from 'react'

export class Store<Value> {
    #value: Value
    readonly #listeners = new Set<() => void>()

    constructor(value: Value) {
        this.#value = value
    }

    get value(): Value {
        return this.#value
    }

    set(value: Value): void {
        this.#value = value
        for (const listener of [...this.#listeners]) listener()
    }

    readonly subscribe = (listener: () => void): (() => void) => {
        this.#listeners.add(listener)
        return () => {
            this.#listeners.delete(listener)
        }
    }
}

export function useStore<Value>(store: Store<Value>): Value {
    return useSyncExternalStore(store.subscribe, () => store.value)
}
