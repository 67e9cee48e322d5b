/** Stores of the client as React reads them: held while a component is mounted, without tearing. */

import { useMemo, useSyncExternalStore } from 'react'
import type { StreamClient } from '../client.ts'
import type { ConnectionConfig } from '../connection/connection_types.ts'
import type { StreamError } from '../error/stream_error.ts'
import { useStreamClient } from './provider.ts'

/** A stream to watch; null while the app does not know it yet. */
export type Watched = ConnectionConfig | null | undefined

/** What a hook reads: `hold` begins and returns the end; `read` returns the same object until something changes. */
export interface Source<Snapshot> {
    hold(onChange: () => void): () => void
    read(): Snapshot
}

/**
 * The snapshot of a source that is made anew when the client or `key` is another. It is held by effects alone: a render
 * that React throws away holds nothing. What `hold` throws is shown by `failed`, never thrown in an effect.
 */
export function useSource<Snapshot>(
    make: (client: StreamClient) => Source<Snapshot>,
    key: string | null,
    idle: Snapshot,
    failed: (error: StreamError) => Snapshot,
    given: StreamClient | null = null
): Snapshot {
    const provided = useStreamClient()
    const client = given ?? provided
    // `key` stands for what `make` reads.
    const source = useMemo(
        () => (client === null || key === null ? nothing(idle) : guarded(make(client), failed)),
        [client, key]
    )
    return useSyncExternalStore(source.hold, source.read, () => idle)
}

/** A configuration that means the same has the same key, though apps write a new object for every render. */
export function keyOf(config: Watched): string | null {
    if (config === null || config === undefined) return null
    const { sessionId, userId, role, generation, viewerCount } = config
    return JSON.stringify([sessionId, userId, role, generation, viewerCount])
}

/** `make`'s result, made again only when one of `parts` is another. */
export function remembered<Parts extends readonly unknown[], Value>(
    parts: () => readonly [...Parts],
    make: (...parts: Parts) => Value
): () => Value {
    let last: { parts: readonly [...Parts]; value: Value } | null = null
    return () => {
        const now = parts()
        if (last === null || now.some((part, index) => part !== last?.parts[index]))
            last = { parts: now, value: make(...now) }
        return last.value
    }
}

function nothing<Snapshot>(idle: Snapshot): Source<Snapshot> {
    return { hold: () => () => {}, read: () => idle }
}

function guarded<Snapshot>(source: Source<Snapshot>, failed: (error: StreamError) => Snapshot): Source<Snapshot> {
    let failure: { snapshot: Snapshot } | null = null
    return {
        hold(onChange) {
            try {
                const release = source.hold(onChange)
                failure = null
                return release
            } catch (thrown) {
                // `hold` of the client throws nothing else.
                failure = { snapshot: failed(thrown as StreamError) }
                return () => {}
            }
        },
        read: () => failure?.snapshot ?? source.read(),
    }
}
