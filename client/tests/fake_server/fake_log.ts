/** A stream's log as the database keeps it: dense numbers, one entry for an id, deletions, marks, and `sync`. */

import { countMissing, type Range, withRange } from '../../src/chat/ranges.ts'
import type { HeartbeatResult, LogEntry, MessagesEvent, SyncResult } from '../../src/contract/wire.ts'
import { FakeRefusal } from './fake_refusal.ts'

/** As the server: missed messages of one answer, and those of a first one. */
export const MAX_MISSED = 1_000
export const NEWEST_PAGE = 50

export type Restriction = SyncResult['restrictions'][number]

export class FakeLog {
    readonly sessionId: string
    readonly sellerId: string
    readonly now: () => number
    epoch = 'epoch-1'
    entries: LogEntry[] = []
    /** The id of every message that was stored, also of those that retention or a failover took since. */
    readonly everStored: Set<string> = new Set()
    oldestSeq = 1
    state: SyncResult['state'] = 'active'
    chatMode: SyncResult['chat_mode'] = 'viewers'
    slowModeMs = 0
    pinnedSeq: number | null = null
    viewerCount = 0
    /** What frames, syncs and heartbeats carry as `poll_ms`. */
    pollMs: number | null = null
    readonly reads: Map<string, readonly Range[]> = new Map()
    readonly restrictions: Map<string, Restriction[]> = new Map()
    #lastAt = 0

    constructor(sessionId: string, sellerId: string, now: () => number) {
        this.sessionId = sessionId
        this.sellerId = sellerId
        this.now = now
    }

    get headSeq(): number {
        return this.entries.at(-1)?.seq ?? 0
    }

    serverTime(): string {
        return new Date(this.now()).toISOString()
    }

    /** Stores a message, or returns the one that has the id already. */
    send(userId: string, content: string, id: string): LogEntry {
        const known = this.entries.find((entry) => entry.id === id)
        if (known && known.user_id !== userId) throw new FakeRefusal('message_id_conflict', 409)
        if (known) return known
        const muted = this.#inForce(userId).find(({ kind }) => kind === 'mute')
        if (muted) throw new FakeRefusal('muted', 403)
        if (this.state === 'ended') throw new FakeRefusal('stream_ended', 410)
        return this.#append({
            id,
            user_id: userId,
            username: `user ${userId.slice(-1)}`,
            content,
            message_type: 'user_message',
        })
    }

    system(metadata: Record<string, unknown>): LogEntry {
        const id = `system-${this.headSeq + 1}`
        const said = {
            user_id: null,
            username: null,
            content: 'Something happened.',
            message_type: 'system_message' as const,
        }
        return this.#append({ ...said, id, metadata })
    }

    delete(seq: number): void {
        this.#clear((entry) => entry.seq === seq)
        this.system({ kind: 'message_deleted', target_seq: seq, target_id: String(seq) })
    }

    deleteUser(userId: string): void {
        const upTo = this.headSeq
        this.#clear((entry) => entry.user_id === userId)
        this.system({ kind: 'user_messages_deleted', user_id: userId, up_to_seq: upTo })
    }

    pin(seq: number): void {
        this.pinnedSeq = seq
        this.system({ kind: 'message_pinned', target_seq: seq, target_id: String(seq) })
    }

    restrict(userId: string, restriction: Restriction): void {
        const others = (this.restrictions.get(userId) ?? []).filter(({ kind }) => kind !== restriction.kind)
        this.restrictions.set(userId, [...others, restriction])
        const kind = restriction.kind === 'mute' ? 'user_muted' : 'user_banned'
        this.system({ kind, user_id: userId, restriction: restriction.kind, until: restriction.until })
    }

    lift(userId: string, kind: Restriction['kind']): void {
        this.restrictions.set(
            userId,
            (this.restrictions.get(userId) ?? []).filter((one) => one.kind !== kind)
        )
        this.system({ kind: 'restriction_lifted', user_id: userId, restriction: kind, until: null })
    }

    /** Another database takes over, whose log ends earlier. */
    failOver(epoch: string, keep: number): void {
        this.epoch = epoch
        this.entries = this.entries.filter(({ seq }) => seq <= keep)
    }

    /** Retention takes the oldest entries. */
    retain(oldestSeq: number): void {
        this.oldestSeq = oldestSeq
        this.entries = this.entries.filter(({ seq }) => seq >= oldestSeq)
    }

    frame(fromSeq: number, toSeq: number): MessagesEvent {
        const messages = this.entries.filter(({ seq }) => seq >= fromSeq && seq <= toSeq).map((entry) => ({ ...entry }))
        const { sessionId, epoch, headSeq } = this
        const place = { from_seq: fromSeq, to_seq: toSeq, head_seq: headSeq, server_time: this.serverTime() }
        return {
            v: 1,
            session_id: sessionId,
            epoch,
            ...place,
            messages,
            poll_ms: this.pollMs,
            digest: false,
        } as MessagesEvent
    }

    sync(userId: string, afterSeq: number | null, epoch: string | null): SyncResult {
        const isFresh = afterSeq === null
        const resumes = afterSeq !== null && afterSeq <= this.headSeq && (epoch === null || epoch === this.epoch)
        const above = resumes ? afterSeq : Math.max(this.headSeq - NEWEST_PAGE, 0)
        const messages = this.entries.filter(({ seq }) => seq > above && seq <= above + MAX_MISSED)
        const read = this.reads.get(userId) ?? []
        const pinned = this.entries.find(({ seq }) => seq === this.pinnedSeq) ?? null
        return {
            session_id: this.sessionId,
            state: this.state,
            role: userId === this.sellerId ? 'seller' : 'viewer',
            generation: 1,
            host_uid: 1,
            viewer_count: this.viewerCount,
            epoch: this.epoch,
            head_seq: this.headSeq,
            oldest_seq: this.oldestSeq,
            recovered: resumes || isFresh,
            has_more: this.headSeq > above + MAX_MISSED,
            messages: messages.map((entry) => ({ ...entry })),
            read: read.map(([first, last]) => [first, last] as [number, number]),
            unread_count: countMissing(read, this.oldestSeq, this.headSeq),
            cooldown_ms: 0,
            chat_mode: this.chatMode,
            slow_mode_ms: this.slowModeMs,
            pinned_seq: this.pinnedSeq,
            pinned: pinned && { ...pinned },
            restrictions: this.#inForce(userId),
            poll_ms: this.pollMs,
            server_time: this.serverTime(),
            version: `${this.epoch}.${this.headSeq}.${this.state}.${this.viewerCount}.${this.pollMs}.${JSON.stringify(read)}`,
            oldest_client: '1.0',
        }
    }

    heartbeat(): HeartbeatResult {
        return {
            status: 'ok',
            session_id: this.sessionId,
            state: this.state,
            generation: 1,
            host_uid: 1,
            epoch: this.epoch,
            head_seq: this.headSeq,
            viewer_count: this.viewerCount,
            reconnect_deadline: null,
            server_time: this.serverTime(),
            next_in_ms: 15_000,
            poll_ms: this.pollMs,
            token: null,
            oldest_client: '1.0',
        }
    }

    mark(userId: string, first: number, last: number): number {
        const read = withRange(this.reads.get(userId) ?? [], first, Math.min(last, this.headSeq))
        this.reads.set(userId, read)
        return countMissing(read, this.oldestSeq, this.headSeq)
    }

    #append(
        said: Partial<LogEntry> & Pick<LogEntry, 'id' | 'user_id' | 'username' | 'content' | 'message_type'>
    ): LogEntry {
        this.#lastAt = Math.max(this.#lastAt + 1, this.now())
        const seq = Math.max(this.headSeq, this.oldestSeq - 1) + 1
        const entry = { metadata: {}, deleted_at: null, ...said, seq, created_at: new Date(this.#lastAt).toISOString() }
        this.entries.push(entry)
        this.everStored.add(entry.id)
        return entry
    }

    #clear(isMeant: (entry: LogEntry) => boolean): void {
        this.entries = this.entries.map((entry) =>
            isMeant(entry) && entry.message_type === 'user_message'
                ? { ...entry, content: '', metadata: {}, deleted_at: entry.deleted_at ?? this.serverTime() }
                : entry
        )
    }

    #inForce(userId: string): Restriction[] {
        const now = this.now()
        return (this.restrictions.get(userId) ?? []).filter(({ until }) => until === null || Date.parse(until) > now)
    }
}
