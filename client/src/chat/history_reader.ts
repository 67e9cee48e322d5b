/** Reading of the log backwards, a page at a time. */

import { oneAtATime } from '../clock/one_at_a_time.ts'
import type { ChatMessage as StoredMessage } from '../contract/wire.ts'
import type { Deletions } from './deletions.ts'
import type { ChatLog } from './log.ts'
import { type ChatMessage, toMessage } from './message.ts'

const PAGE = 50

type Fetch = (args: { before_seq: number; page_size: number }) => Promise<StoredMessage[]>

export class HistoryReader {
    readonly #log: ChatLog
    readonly #deletions: Deletions
    readonly #fetch: Fetch

    constructor(log: ChatLog, deletions: Deletions, fetch: Fetch) {
        this.#log = log
        this.#deletions = deletions
        this.#fetch = fetch
    }

    /** The messages before a number; what was deleted since they were read is deleted in them too. */
    async read(beforeSeq: number, pageSize: number): Promise<ChatMessage[]> {
        const page = await this.#fetch({ before_seq: beforeSeq, page_size: pageSize })
        return page.map((entry) => this.#deletions.applyTo(toMessage(entry.session_id, entry)))
    }

    /** Puts a page before what the log shows; false when there is none, or no room for it. */
    readonly showOlder: () => Promise<boolean> = oneAtATime(() => this.#showOlder())

    async #showOlder(): Promise<boolean> {
        const first = this.#log.entries[0]?.seq
        if (typeof first !== 'number' || !this.#log.hasOlder) return false
        const page = await this.read(first, PAGE)
        // The log may have begun anew meanwhile.
        return this.#log.entries[0]?.seq === first && this.#log.prepend(page)
    }
}
