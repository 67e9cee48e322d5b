/** Typed events: `on()` returns the function that ends the subscription. */

export type Unsubscribe = () => void

/** Anything that tells others about its events. */
export interface EventSource<Events extends object> {
    on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe
}

/** The base of what tells of events of its own. */
export class EventEmitter<Events extends object> implements EventSource<Events> {
    readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

    on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe {
        // A function of its own for each call: subscribing the same listener twice makes two subscriptions.
        const own = (event: Events[Name]) => listener(event)
        const listeners = this.#listeners.get(name) ?? new Set()
        this.#listeners.set(name, listeners.add(own))
        return () => {
            listeners.delete(own)
        }
    }

    /** Calls every listener; one that throws keeps none of the others from it. */
    protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
        for (const listener of [...(this.#listeners.get(name) ?? [])]) {
            try {
                ;(listener as (event: Events[Name]) => void)(event)
            } catch (thrown) {
                reportThrown(thrown)
            }
        }
    }

    /** Ends all subscriptions. */
    protected clear(): void {
        for (const listeners of this.#listeners.values()) listeners.clear()
        this.#listeners.clear()
    }
}

/** Events that their owner tells from outside. */
export interface Emitter<Events extends object> extends EventSource<Events> {
    emit<Name extends keyof Events>(name: Name, event: Events[Name]): void
    clear(): void
}

export const Emitter: new <Events extends object>() => Emitter<Events> = EventEmitter as never

/** Ends subscriptions, or whatever else is ended by a call. */
export function endAll(ends: Iterable<() => void>): void {
    for (const end of ends) end()
}

/** Shows an error of the app's own listener where the platform shows uncaught ones. */
export function reportThrown(thrown: unknown): void {
    if (typeof globalThis.reportError === 'function') globalThis.reportError(thrown)
    else console.error(thrown)
}
