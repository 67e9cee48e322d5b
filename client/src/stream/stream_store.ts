/** What is known of a stream: its state, host and count, from answers and events in whatever order they come. */

import { instant } from '../call/named.ts'
import type { ReactionTotal } from '../contract/named.ts'
import type { HeartbeatResult, ReactionsEvent, StateEvent, SyncResult, ViewerCountEvent } from '../contract/wire.ts'
import { EventEmitter } from '../emitter/emitter.ts'
import type { SyncConsumer } from '../sync/sync_consumer.ts'
import type { StreamState } from './stream_types.ts'

export interface StreamSnapshot {
    readonly sessionId: string
    /** Null until the first answer. */
    readonly state: StreamState | null
    readonly stateReason: string | null
    /** Which device of the seller streams. */
    readonly generation: number | null
    /** The only Agora uid whose video is shown. */
    readonly hostUid: number | null
    readonly role: SyncResult['role'] | null
    /** Until when a lost host may return. */
    readonly reconnectDeadline: Date | null
    readonly viewerCount: number | null
    readonly peakViewerCount: number | null
    /** By ascending kind; empty until the first. */
    readonly reactions: readonly ReactionTotal[]
}

/** A stream of which nothing is known yet. */
export const UNKNOWN_STREAM: Omit<StreamSnapshot, 'sessionId'> = {
    state: null,
    stateReason: null,
    generation: null,
    hostUid: null,
    role: null,
    reconnectDeadline: null,
    viewerCount: null,
    peakViewerCount: null,
    reactions: [],
}

export interface StreamStoreEvents {
    change: StreamSnapshot
}

export class StreamStore extends EventEmitter<StreamStoreEvents> implements SyncConsumer {
    #snapshot: StreamSnapshot
    #epoch: string | null = null
    /** The log's number up to which the state is known. */
    #stateSeq = 0
    #generation = 0
    /** What was known when the last one was answered: the next one cannot name less. */
    #seqAtSync = 0
    #seqAtHeartbeat = 0
    #countedAt = Number.NEGATIVE_INFINITY
    #reactedAt = Number.NEGATIVE_INFINITY

    constructor(sessionId: string) {
        super()
        this.#snapshot = { ...UNKNOWN_STREAM, sessionId }
    }

    /** The same object until something changes. */
    get snapshot(): StreamSnapshot {
        return this.#snapshot
    }

    cursor(): null {
        return null
    }

    apply(result: SyncResult): void {
        const known = this.#take(result, this.#seqAtSync)
        this.#seqAtSync = this.#stateSeq
        const leaves = known.state && known.state !== 'error' ? { reconnectDeadline: null } : {}
        this.#change({ role: result.role, ...known, ...leaves })
    }

    applyHeartbeat(result: HeartbeatResult): void {
        const known = this.#take(result, this.#seqAtHeartbeat)
        this.#seqAtHeartbeat = this.#stateSeq
        this.#change({ ...known, ...(known.state && { reconnectDeadline: instant(result.reconnect_deadline) }) })
    }

    applyState(event: StateEvent): void {
        if (!this.#isNews(event.seq, event.generation)) return
        this.#change({
            state: event.state,
            stateReason: event.reason,
            generation: event.generation,
            hostUid: event.host_uid,
            reconnectDeadline: instant(event.reconnect_deadline),
        })
    }

    applyViewerCount(event: ViewerCountEvent): void {
        const counted = this.#count(event.viewer_count, event.server_time)
        this.#change({ ...counted, peakViewerCount: Math.max(event.peak, this.#snapshot.peakViewerCount ?? 0) })
    }

    /** Takes totals, of which a later broadcast has all; one that comes late says nothing. */
    applyReactions({ reactions, server_time: serverTime }: ReactionsEvent): void {
        const at = Date.parse(serverTime)
        if (!(at > this.#reactedAt)) return
        this.#reactedAt = at
        this.#change({ reactions })
    }

    /** What an answer tells that is news. */
    #take(result: SyncResult | HeartbeatResult, knownBefore: number): Partial<StreamSnapshot> {
        this.#begin(result, knownBefore)
        const counted = this.#count(result.viewer_count, result.server_time)
        if (!this.#isNews(result.head_seq, result.generation)) return counted
        const { state, generation, host_uid: hostUid } = result
        return { ...counted, state, generation, hostUid }
    }

    /**
     * Another epoch is another log, and so is one that ends below what was known before it was asked for: its numbers say
     * nothing about the ones before.
     */
    #begin({ epoch, head_seq: headSeq }: SyncResult | HeartbeatResult, knownBefore: number): void {
        // An event may come before the first answer; it is of the same log.
        const isSame = this.#epoch === null || epoch === this.#epoch
        this.#epoch = epoch
        if (isSame && headSeq >= knownBefore) return
        this.#stateSeq = 0
        this.#seqAtSync = 0
        this.#seqAtHeartbeat = 0
        this.#generation = 0
    }

    #isNews(seq: number, generation: number): boolean {
        if (seq < this.#stateSeq || generation < this.#generation) return false
        this.#stateSeq = seq
        this.#generation = generation
        return true
    }

    #count(viewerCount: number, serverTime: string): Partial<StreamSnapshot> {
        const at = Date.parse(serverTime)
        if (at < this.#countedAt) return {}
        this.#countedAt = at
        return { viewerCount }
    }

    #change(change: Partial<StreamSnapshot>): void {
        // An answer names no reason, and the one of the state before is not that of this one.
        const isMoved = change.state !== undefined && change.state !== this.#snapshot.state
        const next = { ...this.#snapshot, ...(isMoved && { stateReason: null }), ...change }
        const names = Object.keys(next) as (keyof StreamSnapshot)[]
        if (names.every((name) => isSame(next[name], this.#snapshot[name]))) return
        this.#snapshot = next
        this.emit('change', next)
    }
}

function isSame(one: unknown, other: unknown): boolean {
    return one instanceof Date ? one.getTime() === (other as Date | null)?.getTime() : one === other
}
