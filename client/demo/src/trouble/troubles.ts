/** The four switches of the demo: cut network, sleep, frozen host, black camera. */

import { useSyncExternalStore } from 'react'
import type { Studio } from '../picture/studio.ts'
import { NetworkSwitch } from './network_switch.ts'
import { SleepableClock, SwitchedLifecycle } from './sleepable.ts'

export const SLEEP_S = 30

export interface TroublesSnapshot {
    readonly isCut: boolean
    /** When the page wakes by itself, by Date.now(); null while it is awake. */
    readonly asleepUntil: number | null
    readonly isFrozen: boolean
    readonly isBlack: boolean
}

export class Troubles {
    readonly network = new NetworkSwitch()
    readonly clock = new SleepableClock()
    readonly lifecycle = new SwitchedLifecycle()
    readonly #studio: Studio
    readonly #listeners = new Set<() => void>()
    #snapshot: TroublesSnapshot = { isCut: false, asleepUntil: null, isFrozen: false, isBlack: false }
    #alarm: ReturnType<typeof setTimeout> | undefined

    constructor(studio: Studio) {
        this.#studio = studio
    }

    get snapshot(): TroublesSnapshot {
        return this.#snapshot
    }

    subscribe(listener: () => void): () => void {
        this.#listeners.add(listener)
        return () => {
            this.#listeners.delete(listener)
        }
    }

    setCut(isCut: boolean): void {
        if (isCut) this.network.cut()
        else this.network.restore()
        this.lifecycle.set({ isCut })
        this.#change({ isCut })
    }

    /** Nothing comes or goes, and no timer of the client runs, until the alarm or `wake`. */
    sleep(): void {
        if (this.#snapshot.asleepUntil !== null) return
        this.lifecycle.set({ isAsleep: true })
        this.clock.sleep()
        this.network.cut()
        this.#alarm = setTimeout(() => this.wake(), SLEEP_S * 1000)
        this.#change({ asleepUntil: Date.now() + SLEEP_S * 1000 })
    }

    wake(): void {
        if (this.#snapshot.asleepUntil === null) return
        clearTimeout(this.#alarm)
        this.#change({ asleepUntil: null })
        if (!this.#snapshot.isCut) this.network.restore()
        this.lifecycle.set({ isAsleep: false })
        this.clock.wake()
    }

    setFrozen(isFrozen: boolean): void {
        this.#studio.setFrozen(isFrozen)
        this.#change({ isFrozen })
    }

    setBlack(isBlack: boolean): void {
        this.#studio.setBlack(isBlack)
        this.#change({ isBlack })
    }

    #change(change: Partial<TroublesSnapshot>): void {
        this.#snapshot = { ...this.#snapshot, ...change }
        for (const listener of [...this.#listeners]) listener()
    }
}

export function useTroubles(troubles: Troubles): TroublesSnapshot {
    return useSyncExternalStore(
        (listener) => troubles.subscribe(listener),
        () => troubles.snapshot
    )
}
