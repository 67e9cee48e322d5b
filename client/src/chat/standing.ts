/** How the chat is set and what its user may do in it: from each sync, and from what the log announces after it. */

import type { LogEntry, RestrictionEvent, SyncResult } from '../contract/wire.ts'

export type ChatMode = SyncResult['chat_mode']
export type RestrictionKind = 'mute' | 'ban'

export interface Restriction {
    readonly kind: RestrictionKind
    /** By the server's clock; null until it is lifted. */
    readonly until: Date | null
    readonly reason: string | null
}

export interface Standing {
    readonly chatMode: ChatMode
    readonly slowModeMs: number
    readonly pinnedSeq: number | null
    /** Mutes and bans of the user that hold. */
    readonly restrictions: readonly Restriction[]
    /** When the user may write again, by the server's clock; null: now. A hint, the send decides. */
    readonly cooldownUntil: Date | null
    readonly role: SyncResult['role'] | null
}

/** Nothing is known yet, so nothing is forbidden. */
export const OPEN_STANDING: Standing = {
    chatMode: 'viewers',
    slowModeMs: 0,
    pinnedSeq: null,
    restrictions: [],
    cooldownUntil: null,
    role: null,
}

export class StandingKeeper {
    #now: Standing = OPEN_STANDING
    /** Up to here the log is part of the last snapshot; what it announced must not be applied again. */
    #snapshotSeq = 0
    /** When what is known of each kind was decided, by the server's clock. */
    #decidedAt = new Map<RestrictionKind, number>()

    readonly #userId: string

    constructor(userId: string) {
        this.#userId = userId
    }

    get now(): Standing {
        return this.#now
    }

    takeSync(result: SyncResult, serverNowMs: number): void {
        this.#snapshotSeq = result.head_seq
        const at = Date.parse(result.server_time)
        this.#decidedAt = new Map([
            ['mute', at],
            ['ban', at],
        ])
        this.#now = {
            chatMode: result.chat_mode,
            slowModeMs: result.slow_mode_ms,
            pinnedSeq: result.pinned_seq,
            restrictions: result.restrictions.map(({ kind, until, reason }) => ({
                kind,
                until: dateOf(until),
                reason,
            })),
            cooldownUntil: result.cooldown_ms > 0 ? new Date(serverNowMs + result.cooldown_ms) : null,
            role: result.role,
        }
    }

    /** Takes an entry of the log, in order; whether anything changed. */
    takeEntry({ seq, metadata, message_type: type, created_at }: LogEntry): boolean {
        if (type !== 'system_message' || seq <= this.#snapshotSeq) return false
        switch (metadata.kind) {
            case 'chat_mode':
                return this.#change({ chatMode: metadata.chat_mode as ChatMode })
            case 'slow_mode':
                return this.#change({ slowModeMs: Number(metadata.slow_mode_ms) })
            case 'message_pinned':
                return this.#change({ pinnedSeq: Number(metadata.target_seq) })
            case 'message_unpinned':
                return this.#change({ pinnedSeq: null })
            case 'user_muted':
            case 'user_banned':
            case 'restriction_lifted': {
                if (metadata.user_id !== this.#userId) return false
                const until = typeof metadata.until === 'string' ? metadata.until : null
                const isInForce = metadata.kind !== 'restriction_lifted'
                const kind = metadata.restriction as RestrictionKind
                return this.#restrict(kind, isInForce, until, Date.parse(created_at))
            }
            default:
                return false
        }
    }

    /**
     * Takes an event of the user's own topic, which is faster than the log; whether anything changed. Only the log has an
     * order, so a late event changes nothing.
     */
    takeRestriction({ restriction, is_in_force, until, server_time }: RestrictionEvent): boolean {
        const at = Date.parse(server_time)
        if (at <= (this.#decidedAt.get(restriction) ?? 0)) return false
        return this.#restrict(restriction, is_in_force, until, at)
    }

    /** Notes that the next message has to wait; whether anything changed. */
    coolDown(until: Date): boolean {
        if (this.#now.cooldownUntil !== null && this.#now.cooldownUntil >= until) return false
        return this.#change({ cooldownUntil: until })
    }

    /** Drops what has ended by itself, which nothing announces; whether anything had. */
    expire(serverNowMs: number): boolean {
        const restrictions = this.#now.restrictions.filter(
            ({ until }) => until === null || until.getTime() > serverNowMs
        )
        const { cooldownUntil } = this.#now
        const isOver = cooldownUntil !== null && cooldownUntil.getTime() <= serverNowMs
        if (restrictions.length === this.#now.restrictions.length && !isOver) return false
        return this.#change({ restrictions, cooldownUntil: isOver ? null : cooldownUntil })
    }

    /** When something ends by itself next, by the server's clock. */
    get nextEndMs(): number | null {
        const ends = this.#now.restrictions.map(({ until }) => until).concat(this.#now.cooldownUntil)
        const times = ends.flatMap((end) => (end === null ? [] : [end.getTime()]))
        return times.length === 0 ? null : Math.min(...times)
    }

    #restrict(kind: RestrictionKind, isInForce: boolean, until: string | null, at: number): boolean {
        this.#decidedAt.set(kind, Math.max(at, this.#decidedAt.get(kind) ?? 0))
        const others = this.#now.restrictions.filter((restriction) => restriction.kind !== kind)
        const restriction = { kind, until: dateOf(until), reason: null }
        return this.#change({ restrictions: isInForce ? [...others, restriction] : others })
    }

    #change(change: Partial<Standing>): boolean {
        this.#now = { ...this.#now, ...change }
        return true
    }
}

function dateOf(time: string | null): Date | null {
    return time === null ? null : new Date(time)
}
