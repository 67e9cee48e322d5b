/** Wakes: returns of the app or the network, each with a number, so that several signals of one wake count once. */

import { EventEmitter, type Unsubscribe } from '../emitter/emitter.ts'
import type { LifecycleAdapter, LifecycleEvent } from './lifecycle_adapter.ts'

export type WakeReason = 'wake' | 'online'

export interface WakeEvents {
    wake: { reason: WakeReason; sleepNo: number }
    sleep: { reason: 'background' | 'offline' }
}

export class Wakes extends EventEmitter<WakeEvents> {
    readonly #end: Unsubscribe
    #isActive: boolean
    #isOnline: boolean
    #sleepNo = 0

    constructor(adapter: LifecycleAdapter) {
        super()
        const { isActive, isOnline } = adapter.current()
        this.#isActive = isActive
        this.#isOnline = isOnline
        this.#end = adapter.subscribe((event) => this.#take(event))
    }

    /** How many sleeps there were. A connection made since the last one needs no other. */
    get sleepNo(): number {
        return this.#sleepNo
    }

    get isActive(): boolean {
        return this.#isActive
    }

    get isOnline(): boolean {
        return this.#isOnline
    }

    /** A timer came far too late: the device slept and nobody said so. */
    noteGap(): void {
        this.#sleepNo++
        this.emit('wake', { reason: 'wake', sleepNo: this.#sleepNo })
    }

    dispose(): void {
        this.#end()
        this.clear()
    }

    #take(event: LifecycleEvent): void {
        const isUp = event === 'active' || event === 'online'
        const isOfApp = event === 'active' || event === 'background'
        if (isUp === (isOfApp ? this.#isActive : this.#isOnline)) return
        if (isOfApp) this.#isActive = isUp
        else this.#isOnline = isUp
        if (isUp) return this.emit('wake', { reason: isOfApp ? 'wake' : 'online', sleepNo: this.#sleepNo })
        this.#sleepNo++
        this.emit('sleep', { reason: isOfApp ? 'background' : 'offline' })
    }
}
