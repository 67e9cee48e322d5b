/** What the platform tells about the app: whether it is in front, and whether there is a network. */

import type { Unsubscribe } from '../emitter/emitter.ts'

export type LifecycleEvent = 'active' | 'background' | 'online' | 'offline'

export interface LifecycleAdapter {
    /** How it is now. */
    current(): { isActive: boolean; isOnline: boolean }
    subscribe(listener: (event: LifecycleEvent) => void): Unsubscribe
    /** Whether the token's renewal must be stopped in the background and started again: so on React Native. */
    readonly pausesAutoRefresh?: boolean
}

/** An adapter that is driven by hand: for tests, and for platforms without one. */
export class ManualLifecycle implements LifecycleAdapter {
    #isActive = true
    #isOnline = true
    readonly #listeners = new Set<(event: LifecycleEvent) => void>()

    current(): { isActive: boolean; isOnline: boolean } {
        return { isActive: this.#isActive, isOnline: this.#isOnline }
    }

    subscribe(listener: (event: LifecycleEvent) => void): Unsubscribe {
        this.#listeners.add(listener)
        return () => {
            this.#listeners.delete(listener)
        }
    }

    emit(event: LifecycleEvent): void {
        if (event === 'active' || event === 'background') this.#isActive = event === 'active'
        else this.#isOnline = event === 'online'
        for (const listener of [...this.#listeners]) listener(event)
    }

    /** How many listen; nobody does after everything was disposed of. */
    get listenerCount(): number {
        return this.#listeners.size
    }
}
