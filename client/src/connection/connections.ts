/** The connections of a client by stream, counted by reference: views of one stream share one. */

import type { StreamError } from '../error/stream_error.ts'
import { Shared } from '../shared/shared.ts'
import { Connection } from './connection.ts'
import type { ConnectionParts } from './connection_parts.ts'
import type { ConnectionConfig, RetryFunction, RetryPolicy } from './connection_types.ts'

/** A share of a connection. */
export interface HeldConnection {
    readonly connection: Connection
    /** Lets go; the last to do so ends the connection, after a moment unless `now` is set. Later calls do nothing. */
    release(options?: { now?: boolean }): Promise<void>
}

export class Connections {
    readonly #parts: ConnectionParts
    readonly #policy: () => RetryPolicy | RetryFunction
    readonly #shared: Shared<Connection>

    constructor(parts: ConnectionParts, policy: () => RetryPolicy | RetryFunction) {
        this.#parts = parts
        this.#policy = policy
        this.#shared = new Shared(parts.clock, (connection) => connection.close())
    }

    /**
     * A share of the stream's connection, which is made with this configuration when there is none. Another user's is ended
     * first; a viewer's becomes the seller's where the configuration says so.
     */
    hold(config: ConnectionConfig): HeldConnection {
        const { sessionId, userId } = config
        const make = () => this.#make(config)
        const { value: connection, release } = this.#shared.hold(sessionId, make, () => !!this.find(sessionId, userId))
        connection.host(config)
        return { connection, release: async ({ now } = {}) => release(now) }
    }

    /** This user's connection to a stream, where there is one. */
    find(sessionId: string, userId: string): Connection | undefined {
        const connection = this.#shared.find(sessionId)
        return connection?.config.userId === userId ? connection : undefined
    }

    /** Ends what all of them do, with the same error for each; they stay to be seen. */
    refuseAll(error: StreamError): void {
        for (const connection of this.#shared.values()) connection.report(error)
    }

    dispose(): Promise<void> {
        return this.#shared.dispose()
    }

    #make(config: ConnectionConfig): Connection {
        const connection = new Connection({ ...config }, this.#parts, this.#policy())
        connection.open('connect')
        return connection
    }
}
