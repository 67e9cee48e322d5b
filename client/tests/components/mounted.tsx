/** Components below a provider, in StrictMode as apps are developed, with a clock that the test moves. */

import { act, cleanup, type RenderResult, render } from '@testing-library/react'
import { type ReactElement, StrictMode } from 'react'
import type { StreamClient } from '../../src/client.ts'
import { StreamProvider } from '../../src/react.ts'
import { DETACH_AFTER_MS } from '../../src/shared/shared.ts'
import { Device } from '../fake_server/device.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeServer } from '../fake_server/fake_server.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'

declare global {
    // React wants to be told that it is a test.
    var IS_REACT_ACT_ENVIRONMENT: boolean
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true

export class Mounted {
    readonly server: FakeServer = new FakeServer(new ServerTime(), new Dice(1))
    readonly client: StreamClient
    #page: RenderResult | null = null

    constructor(userId: string = ADA) {
        this.server.open(SESSION, SELLER)
        this.client = new Device(this.server, userId).client
    }

    show(element: ReactElement): RenderResult {
        const page = (
            <StrictMode>
                <StreamProvider client={this.client}>{element}</StreamProvider>
            </StrictMode>
        )
        if (this.#page === null) this.#page = render(page)
        else this.#page.rerender(page)
        return this.#page
    }

    async advance(ms: number): Promise<void> {
        await act(() => this.server.clock.advance(ms))
    }

    /** Takes everything away, and waits until what nobody holds any more has ended. */
    async close(): Promise<void> {
        cleanup()
        this.#page = null
        await this.advance(DETACH_AFTER_MS + 500)
    }
}
