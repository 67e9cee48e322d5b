/** The chats of a client by stream: views of one stream share one, fed by the stream's connection. */

import type { Calls } from '../call/calls.ts'
import type { Clock } from '../clock/clock.ts'
import type { Connection } from '../connection/connection.ts'
import type { ConnectionConfig } from '../connection/connection_types.ts'
import type { HeldConnection } from '../connection/connections.ts'
import { endAll, type Unsubscribe } from '../emitter/emitter.ts'
import type { Wakes } from '../lifecycle/wakes.ts'
import type { Random } from '../random/random.ts'
import { Shared } from '../shared/shared.ts'
import type { StorageAdapter } from '../storage/storage_adapter.ts'
import { StreamChat } from './chat.ts'

export interface ChatsParts {
    calls: Pick<Calls, 'run'>
    wakes: Wakes
    clock: Clock
    random: Random
    storage: StorageAdapter | null
    /** A share of a stream's connection. */
    connect: (config: ConnectionConfig) => HeldConnection
}

/** A share of a stream's chat and of the connection that feeds it. */
export interface HeldChat {
    readonly chat: StreamChat
    readonly connection: Connection
    /** Lets go; the last to do so ends the chat, after a moment. Later calls do nothing. */
    release(): void
}

interface Fed {
    chat: StreamChat
    connection: Connection
    ends: Unsubscribe[]
}

export class Chats {
    readonly #parts: ChatsParts
    readonly #shared: Shared<Fed>

    constructor(parts: ChatsParts) {
        this.#parts = parts
        this.#shared = new Shared(parts.clock, ({ chat, ends }) => {
            endAll(ends)
            chat.dispose()
        })
    }

    /** A share of the stream's chat; with the first one the stream is connected to. */
    hold(config: ConnectionConfig): HeldChat {
        const held = this.#parts.connect(config)
        const { connection } = held
        const isFedByIt = (fed: Fed) => fed.connection === connection
        const { value, release } = this.#shared.hold(config.sessionId, () => this.#feed(connection), isFedByIt)
        return {
            chat: value.chat,
            connection,
            release: () => {
                release()
                void held.release()
            },
        }
    }

    /** The chat of a stream, where somebody holds it or did a moment ago. */
    find(sessionId: string): StreamChat | undefined {
        return this.#shared.find(sessionId)?.chat
    }

    dispose(): void {
        this.#shared.dispose()
    }

    #feed(connection: Connection): Fed {
        const { wakes } = this.#parts
        const { chat: messages, user } = connection.topics
        const chat = new StreamChat({
            ...this.#parts,
            ...connection.config,
            serverClock: connection.serverClock,
            requestSync: () => connection.sync.request(),
            isPolled: () => connection.isPolled,
            onPlaceLost: (error) => connection.report(error),
        })
        const ends = [
            connection.sync.attach(chat),
            messages.on('messages', (payload) => chat.takeFrame(payload)),
            messages.on('lost', () => chat.suspend()),
            user.on('restricted', (event) => chat.takeRestriction(event)),
            user.on('revoked', (event) => chat.takeRestriction(event)),
            connection.on('error', (error) => chat.fail(error)),
            wakes.on('sleep', () => chat.pause()),
            wakes.on('wake', () => {
                if (wakes.isActive && wakes.isOnline) chat.resume()
            }),
        ]
        // A connection that is up makes no sync by itself for those who come later.
        if (connection.state === 'connected') connection.sync.request()
        // Nor does one that has ended say so again.
        if (connection.error) chat.fail(connection.error)
        void chat.restore()
        return { chat, connection, ends }
    }
}
