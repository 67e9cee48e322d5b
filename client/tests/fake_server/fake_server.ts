/** The whole server in one process, on a fake clock: logs, calls, Realtime, and a network that loses, delays, doubles and reorders. */

import type { Dice } from './dice.ts'
import { live, subscription } from './fake_answers.ts'
import { FakeLog } from './fake_log.ts'
import { FakeRefusal } from './fake_refusal.ts'
import type { ServerTime } from './server_time.ts'

/** Shares from 0 to 1, and milliseconds. */
export interface Faults {
    dropFrame: number
    doubleFrame: number
    /** A frame is held back until later ones have passed it. */
    delayFrame: number
    loseRequest: number
    loseAnswer: number
    leastLatencyMs: number
    mostLatencyMs: number
}

export const NO_FAULTS: Faults = {
    dropFrame: 0,
    doubleFrame: 0,
    delayFrame: 0,
    loseRequest: 0,
    loseAnswer: 0,
    leastLatencyMs: 5,
    mostLatencyMs: 30,
}

/** How far a delayed frame falls behind. */
const MOST_DELAY_MS = 3_000
/** What Realtime calls a token that has run out. */
const EXPIRED = 'InvalidJWTToken: Token has expired'

/** The server's end of a channel. */
export interface Listener {
    topic: string
    userId: string
    /** Whether rows of the database reach it. */
    isLive: boolean
    tokenExpiresAt: number
    deliver: (event: string, payload: unknown) => void
    /** The server closes the channel. */
    close: (reason: string) => void
    /** The socket under it breaks. */
    breakOff: () => void
}

export interface CallRecord {
    name: string
    userId: string
    at: number
    /** False when the request never arrived or was refused. */
    isAnswered: boolean
    /** Of a sync: its page was not the last. */
    hasMore: boolean
}

export interface JoinRecord {
    topic: string
    at: number
    /** When the token ends that it carried; 0 when it carried none. */
    tokenExpiresAt: number
    refused: string | null
}

export class FakeServer {
    readonly clock: ServerTime
    readonly random: Dice
    readonly logs: Map<string, FakeLog> = new Map()
    readonly calls: CallRecord[] = []
    readonly joins: JoinRecord[] = []
    readonly listeners: Set<Listener> = new Set()
    faults: Faults = NO_FAULTS
    /** How long an access token lives. */
    tokenLifeMs = 3_600_000
    /** Nothing listens. */
    isDown = false
    /** Realtime alone is out of reach. */
    isRealtimeDown = false
    readonly #joined = new Set<string>()
    readonly #flushed = new Map<string, number>()

    constructor(clock: ServerTime, random: Dice) {
        this.clock = clock
        this.random = random
    }

    open(sessionId: string, sellerId: string): FakeLog {
        const log = new FakeLog(sessionId, sellerId, () => this.clock.now())
        this.logs.set(sessionId, log)
        log.system({ kind: 'state', state: 'active' })
        this.#flushed.set(sessionId, log.headSeq)
        return log
    }

    log(sessionId: string): FakeLog {
        const log = this.logs.get(sessionId)
        if (!log) throw new FakeRefusal('session_not_found', 404)
        return log
    }

    latencyMs(): number {
        return this.random.between(this.faults.leastLatencyMs, this.faults.mostLatencyMs)
    }

    /** Broadcasts what was written since the last time, at most `most` entries a frame. */
    flush(sessionId: string, most = 100): void {
        const log = this.log(sessionId)
        let from = Math.min(this.#flushed.get(sessionId) ?? 0, log.headSeq) + 1
        for (; from <= log.headSeq; from += most) {
            this.broadcast(`chat:${sessionId}`, 'messages', log.frame(from, Math.min(log.headSeq, from + most - 1)))
        }
        this.#flushed.set(sessionId, log.headSeq)
    }

    /** As `flush`, with entries that do not fit a frame. */
    flushDigest(sessionId: string): void {
        const log = this.log(sessionId)
        const from = Math.min(this.#flushed.get(sessionId) ?? 0, log.headSeq) + 1
        if (from > log.headSeq) return
        this.#flushed.set(sessionId, log.headSeq)
        const frame = { ...log.frame(from, log.headSeq), messages: [], digest: true }
        this.broadcast(`chat:${sessionId}`, 'messages', frame)
    }

    broadcast(topic: string, event: string, payload: unknown): void {
        for (const listener of [...this.listeners]) {
            if (listener.topic !== topic || !listener.isLive || this.random.chance(this.faults.dropFrame)) continue
            this.#later(listener, event, payload)
            if (this.random.chance(this.faults.doubleFrame)) this.#later(listener, event, payload)
        }
    }

    /** Lets a channel in, or says why not. Frames reach it once it is live. */
    join(listener: Listener): string | null {
        const refused = this.#judge(listener)
        const { topic, tokenExpiresAt } = listener
        this.joins.push({ topic, tokenExpiresAt, at: this.clock.now(), refused })
        if (refused === null) this.listeners.add(listener)
        return refused
    }

    #judge(listener: Listener): string | null {
        if (this.isDown || this.isRealtimeDown) return 'RealtimeRestarting: Realtime is restarting'
        if (listener.tokenExpiresAt <= this.clock.now()) return EXPIRED
        const [kind, id = ''] = listener.topic.split(':')
        const isMember = kind !== 'chat' || this.#hasPlace(id, listener.userId)
        if (!isMember) return 'Unauthorized: You do not have permissions to read from this Channel topic'
        return null
    }

    /** A viewer's lease is over. */
    endLease(sessionId: string, userId: string): void {
        this.#joined.delete(`${sessionId} ${userId}`)
    }

    /** Breaks every socket; frames under way are lost with it. */
    cut(): void {
        for (const listener of [...this.listeners]) {
            this.listeners.delete(listener)
            listener.breakOff()
        }
    }

    /** Closes channels whose token has run out, as Realtime does. */
    closeExpired(): void {
        for (const listener of [...this.listeners]) {
            if (listener.tokenExpiresAt > this.clock.now()) continue
            this.listeners.delete(listener)
            listener.close('Token has expired 0 seconds ago')
        }
    }

    /** Closes every channel for its quota. */
    closeChannels(): void {
        for (const listener of [...this.listeners]) {
            this.listeners.delete(listener)
            listener.close('Too many messages per second')
        }
    }

    /** The gateway goes and comes back `ms` later. */
    restart(ms: number): void {
        this.isDown = true
        this.cut()
        this.clock.after(ms, () => {
            this.isDown = false
        })
    }

    /** Runs an operation as a user; throws a `FakeRefusal`. */
    run(name: string, userId: string, args: Record<string, unknown>): unknown {
        const record = { name, userId, at: this.clock.now(), isAnswered: false, hasMore: false }
        this.calls.push(record)
        const result = this.#run(name, userId, args)
        record.isAnswered = true
        record.hasMore = (result as { has_more?: boolean } | null)?.has_more === true
        return result
    }

    #run(name: string, userId: string, args: Record<string, unknown>): unknown {
        const sessionId = args.session_id as string
        if ((args.user_id ?? userId) !== userId) throw new FakeRefusal('not_self', 403)
        if (name === 'unsubscribe_from_chat') return subscription(args.subscription_id as string, userId, false)
        if (name === 'list_live_streams') return this.#page(args)
        if (name === 'get_live_stream') return live(this.log(args.auction_id as string))
        const log = this.log(sessionId)
        switch (name) {
            case 'join_stream': {
                this.#joined.add(`${sessionId} ${userId}`)
                const lease = {
                    session_id: sessionId,
                    user_id: userId,
                    agora_uid: 7,
                    join_no: 1,
                    joined_at: log.serverTime(),
                }
                const sync = log.sync(userId, null, null)
                return { lease, token: null, retry_after_ms: null, sync, contract_version: '1.0', oldest_client: '1.0' }
            }
            case 'heartbeat':
                this.#requirePlace(sessionId, userId)
                if (log.state === 'ended') throw new FakeRefusal('stream_ended', 410)
                return log.heartbeat()
            case 'remove_viewer':
                this.endLease(sessionId, userId)
                return null
            case 'sync':
                return log.sync(
                    userId,
                    (args.after_seq as number | undefined) ?? null,
                    (args.epoch as string | undefined) ?? null
                )
            case 'send_message':
                if (!log.entries.some(({ id }) => id === args.id)) this.#requirePlace(sessionId, userId)
                return {
                    ...log.send(userId, args.content as string, args.id as string),
                    session_id: sessionId,
                    updated_at: log.serverTime(),
                }
            case 'mark_read_up_to':
                return log.mark(userId, 1, args.seq as number)
            case 'mark_messages_as_read': {
                const ids = new Set(args.message_ids as string[])
                let unread = 0
                for (const { id, seq } of log.entries) if (ids.has(id)) unread = log.mark(userId, seq, seq)
                return unread
            }
            case 'get_message_history': {
                const before = (args.before_seq as number | undefined) ?? Number.POSITIVE_INFINITY
                const older = log.entries.filter(({ seq }) => seq < before)
                const end = older.length - ((args.skip as number | undefined) ?? 0)
                const page = older.slice(Math.max(0, end - (args.page_size as number)), Math.max(0, end))
                return page.map((entry) => ({ ...entry, session_id: sessionId, updated_at: entry.created_at }))
            }
            case 'sync_messages': {
                const after = log.entries.find(({ id }) => id === args.last_message_id)
                if (!after) throw new FakeRefusal('message_not_found', 404)
                const rest = log.entries.filter(({ seq }) => seq > after.seq).slice(0, 1_000)
                return rest.map((entry) => ({ ...entry, session_id: sessionId, updated_at: entry.created_at }))
            }
            case 'send_reaction':
                this.#requirePlace(sessionId, userId)
                return { accepted: args.kind === 'heart', retry_after_ms: args.kind === 'heart' ? null : 900 }
            case 'subscribe_to_chat':
                this.#requirePlace(sessionId, userId)
                return subscription(sessionId, userId, true)
            default:
                throw new FakeRefusal('route_not_found', 404)
        }
    }

    #hasPlace(sessionId: string, userId: string): boolean {
        return this.#joined.has(`${sessionId} ${userId}`) || this.logs.get(sessionId)?.sellerId === userId
    }

    #requirePlace(sessionId: string, userId: string): void {
        if (!this.#hasPlace(sessionId, userId)) throw new FakeRefusal('not_viewer', 403)
    }

    /** The newest first. */
    #page(args: Record<string, unknown>): unknown {
        const all = [...this.logs.values()].reverse()
        const from = all.findIndex((log) => log.sessionId === args.after) + 1
        const page = all.slice(from, from + (args.page_size as number))
        const hasMore = from + page.length < all.length
        return { streams: page.map(live), next_after: hasMore ? page.at(-1)?.sessionId : null }
    }

    #later(listener: Listener, event: string, payload: unknown): void {
        const { random, faults } = this
        const held = random.chance(faults.delayFrame) ? random.between(0, MOST_DELAY_MS) : 0
        this.clock.after(this.latencyMs() + held, () => {
            if (this.listeners.has(listener)) listener.deliver(event, structuredClone(payload))
        })
    }
}
