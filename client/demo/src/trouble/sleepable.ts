/** The clock and the lifecycle of a page that can be put to sleep like a phone in a pocket: timers stand still, then come late. */

import {
    browserLifecycle,
    type Cancel,
    type Clock,
    type LifecycleAdapter,
    type LifecycleEvent,
} from '@pg-stream/client'

export class SleepableClock implements Clock {
    #isAsleep = false
    #late: (() => void)[] = []

    now(): number {
        return Date.now()
    }

    after(ms: number, run: () => void): Cancel {
        let isCancelled = false
        const due = () => {
            if (!isCancelled) run()
        }
        const timer = setTimeout(() => {
            if (this.#isAsleep) this.#late.push(due)
            else due()
        }, ms)
        return () => {
            isCancelled = true
            clearTimeout(timer)
        }
    }

    sleep(): void {
        this.#isAsleep = true
    }

    wake(): void {
        this.#isAsleep = false
        const late = this.#late
        this.#late = []
        for (const run of late) run()
    }
}

/** The browser's lifecycle, and above it what the switches say. */
export class SwitchedLifecycle implements LifecycleAdapter {
    readonly #browser = browserLifecycle()
    readonly #listeners = new Set<(event: LifecycleEvent) => void>()
    #isAsleep = false
    #isCut = false
    #told = this.current()

    constructor() {
        this.#browser.subscribe(() => this.#tell())
    }

    current(): { isActive: boolean; isOnline: boolean } {
        const { isActive, isOnline } = this.#browser.current()
        return { isActive: isActive && !this.#isAsleep, isOnline: isOnline && !this.#isCut }
    }

    subscribe(listener: (event: LifecycleEvent) => void): () => void {
        this.#listeners.add(listener)
        return () => {
            this.#listeners.delete(listener)
        }
    }

    set(change: { isAsleep?: boolean; isCut?: boolean }): void {
        this.#isAsleep = change.isAsleep ?? this.#isAsleep
        this.#isCut = change.isCut ?? this.#isCut
        this.#tell()
    }

    #tell(): void {
        const now = this.current()
        const before = this.#told
        this.#told = now
        if (now.isOnline !== before.isOnline) this.#emit(now.isOnline ? 'online' : 'offline')
        if (now.isActive !== before.isActive) this.#emit(now.isActive ? 'active' : 'background')
    }

    #emit(event: LifecycleEvent): void {
        for (const listener of [...this.#listeners]) listener(event)
    }
}
