/** Components in a page, with the fake clock moved inside React's `act`. */

import { act, createElement, type ReactElement, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import type { StreamClient } from '../../src/client.ts'
import { StreamProvider } from '../../src/react.ts'
import type { FakeClock } from '../fakes/fake_clock.ts'

declare global {
    // React wants to be told that it is a test.
    var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export class Page {
    readonly #root: Root
    readonly #clock: FakeClock

    constructor(clock: FakeClock) {
        this.#clock = clock
        this.#root = createRoot(document.createElement('div'))
    }

    /** Shows an element below the provider, twice mounted as StrictMode does. */
    async show(client: StreamClient | null, element: ReactElement): Promise<void> {
        const provided = client === null ? element : createElement(StreamProvider, { client }, element)
        await act(async () => this.#root.render(createElement(StrictMode, null, provided)))
    }

    async advance(ms: number): Promise<void> {
        await act(() => this.#clock.advance(ms))
    }

    async do(action: () => void): Promise<void> {
        await act(async () => action())
    }

    async close(): Promise<void> {
        await act(async () => this.#root.unmount())
    }
}

/** A component that gives what a hook returns to `seen`, for every render. */
export function probe<Value>(hook: () => Value, seen: Value[]): ReactElement {
    function Probe(): null {
        seen.push(hook())
        return null
    }
    return createElement(Probe)
}
