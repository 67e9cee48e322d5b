/** What only looking tells: whether a view is shown, and whether its picture is black though frames come. */

import type { Cancel, Clock } from '../clock/clock.ts'

const LOOK_EVERY_MS = 500
/** Mean luma below this is black: a dark room's picture is brighter. */
const BLACK_BELOW = 0.03
/** Looks in a row. */
const BLACK_AFTER = 4

export interface ViewWatchOptions {
    clock: Clock
    isVisible: () => boolean | null
    brightness: () => number | null
    onVisible: (isVisible: boolean) => void
    /** Black for two seconds; told again after each two seconds more. */
    onBlack: () => void
    onBright: () => void
}

export class ViewWatch {
    readonly #options: ViewWatchOptions
    #cancel: Cancel | null = null
    #dark = 0

    constructor(options: ViewWatchOptions) {
        this.#options = options
    }

    /** Looks from now on, or no longer. */
    run(isOn: boolean): void {
        if (isOn && this.#cancel === null) this.#plan()
        if (!isOn) this.stop()
    }

    stop(): void {
        this.#cancel?.()
        this.#cancel = null
        this.#dark = 0
    }

    #plan(): void {
        this.#cancel = this.#options.clock.after(LOOK_EVERY_MS, () => {
            this.#plan()
            this.#look()
        })
    }

    #look(): void {
        const { isVisible, brightness, onVisible, onBlack, onBright } = this.#options
        const isShown = isVisible() !== false
        onVisible(isShown)
        const luma = isShown ? brightness() : null
        if (luma === null) {
            this.#dark = 0
        } else if (luma >= BLACK_BELOW) {
            this.#dark = 0
            onBright()
        } else if (++this.#dark >= BLACK_AFTER) {
            this.#dark = 0
            onBlack()
        }
    }
}
