/** Values by key, counted by reference: the last holder's release ends a value a moment later. */

import type { Clock } from '../clock/clock.ts'
import { Timer } from '../clock/timer.ts'

/** A view that is mounted twice, as StrictMode does, or replaced by another, finds what it showed. */
export const DETACH_AFTER_MS = 2_500

interface Entry<Value> {
    value: Value
    holders: number
    ending: Timer
}

export class Shared<Value> {
    readonly #clock: Clock
    readonly #end: (value: Value) => void | Promise<void>
    readonly #entries = new Map<string, Entry<Value>>()

    constructor(clock: Clock, end: (value: Value) => void | Promise<void>) {
        this.#clock = clock
        this.#end = end
    }

    /** A share of the value, which is made when there is none or the one there is does not serve. */
    hold(
        key: string,
        make: () => Value,
        serves: (value: Value) => boolean = () => true
    ): { value: Value; release: (now?: boolean) => void | Promise<void> } {
        const known = this.#entries.get(key)
        if (known !== undefined && !serves(known.value)) this.#remove(key, known)
        const entry = this.#entries.get(key) ?? { value: make(), holders: 0, ending: new Timer(this.#clock) }
        this.#entries.set(key, entry)
        entry.holders++
        entry.ending.stop()
        let isHeld = true
        const release = (now = false) => {
            if (!isHeld) return
            isHeld = false
            if (--entry.holders > 0 || this.#entries.get(key) !== entry) return
            if (now) return this.#remove(key, entry)
            entry.ending.set(DETACH_AFTER_MS, () => this.#remove(key, entry))
        }
        return { value: entry.value, release }
    }

    /** The value that somebody holds, or held a moment ago. */
    find(key: string): Value | undefined {
        return this.#entries.get(key)?.value
    }

    /** What is held, or was a moment ago. */
    values(): Value[] {
        return [...this.#entries.values()].map(({ value }) => value)
    }

    /** Ends all of them. */
    async dispose(): Promise<void> {
        await Promise.all([...this.#entries].map(([key, entry]) => this.#remove(key, entry)))
    }

    #remove(key: string, entry: Entry<Value>): void | Promise<void> {
        entry.ending.stop()
        if (this.#entries.get(key) === entry) this.#entries.delete(key)
        return this.#end(entry.value)
    }
}
