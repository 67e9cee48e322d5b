/** The pinned message: from a sync, from the entries that are held, or fetched by its number. */

import type { ChatLog } from './log.ts'
import type { ChatMessage } from './message.ts'

export class Pin {
    readonly #log: ChatLog
    readonly #fetch: (seq: number) => Promise<ChatMessage[]>
    readonly #changed: () => void
    #seq: number | null = null
    #message: ChatMessage | null = null

    constructor(log: ChatLog, fetch: (seq: number) => Promise<ChatMessage[]>, changed: () => void) {
        this.#log = log
        this.#fetch = fetch
        this.#changed = changed
    }

    /** The message, once it is known. */
    get message(): ChatMessage | null {
        return this.#message
    }

    /** Takes the message that a sync names. */
    take(message: ChatMessage | null): void {
        this.#seq = message?.seq ?? null
        this.#message = message
    }

    /** Follows the number that the log announces. */
    follow(seq: number | null): void {
        if (seq === this.#seq) return
        this.#seq = seq
        this.#message = seq === null ? null : (this.#log.find(seq) ?? null)
        if (seq !== null && this.#message === null) void this.#find(seq)
    }

    async #find(seq: number): Promise<void> {
        // Without an answer the next sync names it.
        const [message] = await this.#fetch(seq).catch(() => [])
        if (this.#seq !== seq || message === undefined || message.seq !== seq) return
        this.#message = message
        this.#changed()
    }
}
