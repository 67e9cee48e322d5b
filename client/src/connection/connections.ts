/** The connections of a client by stream, counted by reference: views of one stream share one. */

import type { Clock } from '../clock/clock.ts'
import type { StreamError } from '../error/stream_error.ts'
import { Connection } from './connection.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type { ConnectionConfig, RetryFunction, RetryPolicy } from './connection_types.ts'

/** A view that is mounted twice, as StrictMode does, or replaced by another, must not cost a join. */
const DETACH_AFTER_MS = 2_500

/** A share of a connection. */
export interface HeldConnection {
    readonly connection: Connection
    /** Lets go; the last to do so ends the connection, after a moment unless `now` is set. Later calls do nothing. */
    release(options?: { now?: boolean }): Promise<void>
}

interface Entry {
    connection: Connection
    holders: number
    cancel: (() => void) | null
}

export class Connections {
    readonly #parts: ConnectionParts
    readonly #clock: Clock
    readonly #policy: () => RetryPolicy | RetryFunction
    readonly #entries = new Map<string, Entry>()

    constructor(parts: ConnectionParts, policy: () => RetryPolicy | RetryFunction) {
        this.#parts = parts
        this.#clock = parts.clock
        this.#policy = policy
    }

    /** A share of the stream's connection, which is made with this configuration when there is none. */
    hold(config: ConnectionConfig): HeldConnection {
        const entry = this.#entries.get(config.sessionId) ?? this.#make(config)
        entry.holders++
        entry.cancel?.()
        entry.cancel = null
        let isHeld = true
        return {
            connection: entry.connection,
            release: async ({ now = false } = {}) => {
                if (!isHeld) return
                isHeld = false
                if (--entry.holders > 0) return
                if (now) return this.#end(config.sessionId, entry)
                entry.cancel = this.#clock.after(DETACH_AFTER_MS, () => void this.#end(config.sessionId, entry))
            },
        }
    }

    /** The connection of a stream, where there is one. */
    find(sessionId: string): Connection | undefined {
        return this.#entries.get(sessionId)?.connection
    }

    /** Ends what all of them do, with the same error for each; they stay to be seen. */
    refuseAll(error: StreamError): void {
        for (const { connection } of this.#entries.values()) connection.report(error)
    }

    async dispose(): Promise<void> {
        const entries = [...this.#entries]
        await Promise.all(entries.map(([sessionId, entry]) => this.#end(sessionId, entry)))
    }

    #make(config: ConnectionConfig): Entry {
        const connection = new Connection(config, this.#parts, this.#policy())
        const entry: Entry = { connection, holders: 0, cancel: null }
        this.#entries.set(config.sessionId, entry)
        connection.open('connect')
        return entry
    }

    async #end(sessionId: string, entry: Entry): Promise<void> {
        entry.cancel?.()
        entry.cancel = null
        if (this.#entries.get(sessionId) === entry) this.#entries.delete(sessionId)
        await entry.connection.close()
    }
}
