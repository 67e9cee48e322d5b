/** Messages that are not stored yet, kept where an app's restart finds them. */

import type { Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import type { StorageAdapter } from '../storage/storage_adapter.ts'

export interface UnsentMessage {
    readonly id: string
    readonly content: string
    /** By the device's clock. */
    readonly createdAt: number
    /** The code of what it failed for; without it the message is sent by the next run. */
    readonly failed?: string | undefined
}

/** A storage that does not answer holds up no message for longer. */
const WITHIN_MS = 2_000

export class OutboxStorage {
    readonly #key: string
    #work: Promise<void> = Promise.resolve()

    readonly #storage: StorageAdapter | null
    readonly #clock: Clock
    readonly #report: (error: unknown) => void

    constructor(
        storage: StorageAdapter | null,
        clock: Clock,
        owner: { userId: string; sessionId: string },
        report: (error: unknown) => void
    ) {
        this.#storage = storage
        this.#clock = clock
        this.#report = report
        this.#key = `pg_stream:outbox:1:${owner.userId}:${owner.sessionId}`
    }

    /** What is kept, however late the storage answers. */
    async load(): Promise<UnsentMessage[]> {
        let found: UnsentMessage[] = []
        await this.#enqueue(async (storage) => {
            found = parse(await storage.getItem(this.#key))
        })
        return found
    }

    /** Resolves when it is written, could not be, or has taken too long: a message is sent in any case. */
    put(message: UnsentMessage): Promise<void> {
        return this.#edit((kept) => [...kept.filter(({ id }) => id !== message.id), message])
    }

    remove(id: string): Promise<void> {
        return this.#edit((kept) => kept.filter((message) => message.id !== id))
    }

    /** What another tab keeps under the same key stays. */
    #edit(change: (kept: UnsentMessage[]) => UnsentMessage[]): Promise<void> {
        const done = this.#enqueue(async (storage) => {
            const kept = change(parse(await storage.getItem(this.#key)))
            if (kept.length === 0) await storage.removeItem(this.#key)
            else await storage.setItem(this.#key, JSON.stringify(kept))
        })
        if (this.#storage === null) return done
        return within(this.#clock, WITHIN_MS, undefined, () => done).catch(this.#report)
    }

    /** One step after the other, however long one takes: one that was overtaken would write what was before. */
    #enqueue(step: (storage: StorageAdapter) => Promise<void>): Promise<void> {
        const storage = this.#storage
        if (storage === null) return Promise.resolve()
        this.#work = this.#work.then(() => step(storage)).catch(this.#report)
        return this.#work
    }
}

function parse(text: string | null): UnsentMessage[] {
    if (text === null) return []
    try {
        const kept: unknown = JSON.parse(text)
        return Array.isArray(kept) ? kept.filter(isUnsent) : []
    } catch {
        // Whatever else an app keeps there is none of ours.
        return []
    }
}

function isUnsent(value: unknown): value is UnsentMessage {
    const { id, content, createdAt } = (value ?? {}) as Record<string, unknown>
    return [id, content].every((text) => typeof text === 'string') && typeof createdAt === 'number'
}
