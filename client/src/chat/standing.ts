/** How the chat is set and what its user may do in it: from each sync, and from what the log announces after it. */

import { named } from '../call/named.ts'
import type { Clock } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import { Timer } from '../clock/timer.ts'
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

/** Timers of platforms end at 2^31 ms; what ends later is looked at again. */
const LONGEST_WAIT_MS = 3_600_000

export class StandingKeeper {
    #now: Standing = OPEN_STANDING
    /** Up to here the log is part of the last snapshot; what it announced must not be applied again. */
    #snapshotSeq = 0
    /** When what is known of each kind was decided, by the server's clock. */
    #decidedAt: Record<RestrictionKind, number> = { mute: 0, ban: 0 }
    readonly #userId: string
    readonly #serverClock: ServerClock
    readonly #nextEnd: Timer
    readonly #onEnd: () => void

    /** `onEnd` is told of ends of mutes and cooldowns, which nothing announces. */
    constructor(userId: string, clock: Clock, serverClock: ServerClock, onEnd: () => void) {
        this.#userId = userId
        this.#serverClock = serverClock
        this.#nextEnd = new Timer(clock)
        this.#onEnd = onEnd
    }

    get now(): Standing {
        return this.#now
    }

    takeSync(result: SyncResult): void {
        this.#snapshotSeq = result.head_seq
        const at = Date.parse(result.server_time)
        this.#decidedAt = { mute: at, ban: at }
        const { cooldown_ms: cooldownMs } = result
        this.#now = {
            chatMode: result.chat_mode,
            slowModeMs: result.slow_mode_ms,
            pinnedSeq: result.pinned_seq,
            restrictions: result.restrictions.map(named<Restriction>),
            cooldownUntil: cooldownMs > 0 ? new Date(this.#serverClock.now() + cooldownMs) : null,
            role: result.role,
        }
    }

    /** Takes an entry of the log, in order. */
    takeEntry({ seq, metadata, message_type: type, created_at }: LogEntry): void {
        if (type !== 'system_message' || seq <= this.#snapshotSeq) return
        const { kind, restriction } = metadata
        if (kind === 'chat_mode') this.#change({ chatMode: metadata.chat_mode as ChatMode })
        if (kind === 'slow_mode') this.#change({ slowModeMs: Number(metadata.slow_mode_ms) })
        if (kind === 'message_pinned') this.#change({ pinnedSeq: Number(metadata.target_seq) })
        if (kind === 'message_unpinned') this.#change({ pinnedSeq: null })
        if ((restriction === 'mute' || restriction === 'ban') && metadata.user_id === this.#userId) {
            const isInForce = kind !== 'restriction_lifted'
            this.#restrict(restriction, isInForce, metadata.until, Date.parse(created_at))
        }
    }

    /**
     * Takes an event of the user's own topic, which is faster than the log; whether anything changed. Only the log has an
     * order, so a late event changes nothing.
     */
    takeRestriction({ restriction, is_in_force, until, server_time }: RestrictionEvent): boolean {
        const at = Date.parse(server_time)
        const isNews = at > (this.#decidedAt[restriction] ?? 0)
        if (isNews) this.#restrict(restriction, is_in_force, until, at)
        return isNews
    }

    /** Notes that the next message has to wait. */
    coolDown(untilMs: number): void {
        const until = new Date(untilMs)
        if (!(this.#now.cooldownUntil && this.#now.cooldownUntil >= until)) this.#change({ cooldownUntil: until })
    }

    /** Waits for what ends next as the standing is now. */
    plan(): void {
        const { restrictions, cooldownUntil } = this.#now
        const ends = [cooldownUntil, ...restrictions.map(({ until }) => until)]
        const end = Math.min(...ends.map((one) => one?.getTime() ?? Number.POSITIVE_INFINITY))
        const waitMs = Math.max(0, end - this.#serverClock.now())
        this.#nextEnd.stop()
        if (end < Number.POSITIVE_INFINITY) this.#nextEnd.set(Math.min(LONGEST_WAIT_MS, waitMs), () => this.#expire())
    }

    dispose(): void {
        this.#nextEnd.stop()
    }

    #expire(): void {
        const { restrictions, cooldownUntil } = this.#now
        const holds = (until: Date | null) => until !== null && until.getTime() > this.#serverClock.now()
        this.#change({
            restrictions: restrictions.filter(({ until }) => until === null || holds(until)),
            cooldownUntil: holds(cooldownUntil) ? cooldownUntil : null,
        })
        this.#onEnd()
    }

    #restrict(kind: RestrictionKind, isInForce: boolean, until: unknown, at: number): void {
        this.#decidedAt[kind] = Math.max(at, this.#decidedAt[kind])
        const others = this.#now.restrictions.filter((restriction) => restriction.kind !== kind)
        const restriction = named<Restriction>({ kind, until: until ?? null, reason: null })
        this.#change({ restrictions: isInForce ? [...others, restriction] : others })
    }

    #change(change: Partial<Standing>): void {
        this.#now = { ...this.#now, ...change }
    }
}
