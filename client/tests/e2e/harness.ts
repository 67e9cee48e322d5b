/** Whoever started the script and can restart the gateway: asked on standard output, answering on standard input. */

import { createInterface, type Interface } from 'node:readline'

export class Harness {
    readonly #lines: AsyncIterator<string>
    readonly #interface: Interface

    constructor() {
        this.#interface = createInterface({ input: process.stdin })
        this.#lines = this.#interface[Symbol.asyncIterator]()
    }

    /** The gateway ends as by a crash, and starts again at the same address. */
    async restartGateway(): Promise<void> {
        process.stdout.write('restart gateway\n')
        const { done } = await this.#lines.next()
        if (done === true) throw new Error('nobody restarts the gateway')
    }

    end(): void {
        this.#interface.close()
        process.stdin.unref?.()
    }
}
