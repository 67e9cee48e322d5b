/** A participant: one signed-in client, its three private channels, and everything they delivered, in order. */

import { createClient } from '@supabase/supabase-js'
import { nowMs } from './clock.mjs'
import {
    DeadlineError,
    LATE_SEEN_WITHIN_MS,
    LEAVE_WITHIN_MS,
    READY_WITHIN_MS,
    SEEN_WITHIN_MS,
    fetchWithin,
    withDeadline,
} from './deadline.mjs'
import { CallError, EdgeDoor, RpcDoor } from './doors.mjs'

/**
 * @typedef {import('./record.mjs').Topic} Topic
 * @typedef {import('./record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('@supabase/supabase-js').SupabaseClient<any, any, any>} SupabaseClient
 */

/** The one event of each topic. @type {Readonly<Record<Topic, string>>} */
const EVENTS = Object.freeze({ stream: 'state', chat: 'messages', viewers: 'viewer_count' })

/** SUBSCRIBED only means joined; the server says this once rows written by the database reach the channel. */
const REPLICATION_READY = 'Replication connection established'

export class Participant {
    /** @type {Set<() => void>} */
    #watchers = new Set()
    #leaving = false
    #hasMissed = false

    /**
     * @param {ParticipantRecord} record
     * @param {SupabaseClient} supabase
     * @param {RpcDoor} rpc
     * @param {EdgeDoor | null} edge
     */
    constructor(record, supabase, rpc, edge) {
        this.record = record
        this.supabase = supabase
        this.rpc = rpc
        this.edge = edge
    }

    /**
     * @param {{name: string, role: import('./record.mjs').Role, email: string, password: string}} who
     * @param {{supabaseUrl: string, anonKey: string, edgeUrl: string | null}} where
     * @returns {Promise<Participant>}
     */
    static async signIn({ name, role, email, password }, { supabaseUrl, anonKey, edgeUrl }) {
        const supabase = createClient(supabaseUrl, anonKey, {
            // Nothing stored and no refresh timer: a play is far shorter than a token's life.
            auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
            global: { fetch: fetchWithin },
        })
        const { data, error } = await supabase.auth.signInWithPassword({ email, password })
        if (error) throw new CallError(`sign in as ${email}`, error.status ?? 0, error.code || 'no_code', error.message)
        // The first join must carry the user's token, not the anon key: private channels are judged at the join.
        await supabase.realtime.setAuth()
        const edge = edgeUrl === null ? null : new EdgeDoor(edgeUrl, data.session.access_token)
        /** @type {ParticipantRecord} */
        const record = { name, role, user_id: data.user.id, lease_uid: null, token: null, seen: [], interruptions: [] }
        return new Participant(record, supabase, new RpcDoor(supabase), edge)
    }

    /**
     * Resolves when database broadcasts of these topics reach this client.
     * @param {string} sessionId
     * @param {...Topic} topics
     */
    async subscribe(sessionId, ...topics) {
        await Promise.all(topics.map((topic) => this.#join(topic, sessionId)))
    }

    /**
     * True as soon as `holds` is true of the record, false when it is not within the deadline. What exactly is missing
     * is the judge's to say, so a deadline is no error here.
     * @param {(record: ParticipantRecord) => boolean} holds
     * @returns {Promise<boolean>}
     */
    sees(holds) {
        return new Promise((resolve) => {
            /** @param {boolean} answer */
            const settle = (answer) => {
                clearTimeout(timer)
                this.#watchers.delete(watcher)
                resolve(answer)
            }
            const watcher = () => {
                if (holds(this.record)) settle(true)
            }
            const withinMs = this.#hasMissed ? LATE_SEEN_WITHIN_MS : SEEN_WITHIN_MS
            const timer = setTimeout(() => {
                this.#hasMissed = true
                settle(false)
            }, withinMs)
            this.#watchers.add(watcher)
            watcher()
        })
    }

    /**
     * Leaves every channel and closes the socket. The answer to the leave comes after everything that the server had
     * sent before, so a late duplicate is still recorded.
     */
    async leave() {
        this.#leaving = true
        await withDeadline(this.supabase.removeAllChannels(), LEAVE_WITHIN_MS, `${this.record.name}: leaving`)
    }

    /** @param {Topic} topic @param {string} sessionId @returns {Promise<void>} */
    async #join(topic, sessionId) {
        const event = EVENTS[topic]
        const name = `${topic}:${sessionId}`
        let lastTrouble = 'no answer'
        let isReady = false
        /** @type {PromiseWithResolvers<void>} */
        const ready = Promise.withResolvers()

        /** @param {string} what */
        const trouble = (what) => {
            if (this.#leaving) return
            if (isReady) this.record.interruptions.push(`${name}: ${what}`)
            lastTrouble = what
            // The client retries every other refusal by itself; the verdict of the policies stays.
            if (what.includes('Unauthorized')) ready.reject(new Error(`${this.record.name}: ${name}: ${what}`))
        }

        this.supabase
            .channel(name, { config: { private: true, broadcast: { replication_ready: true } } })
            .on('broadcast', { event }, ({ payload }) => this.#record(topic, event, payload))
            .on('system', {}, (/** @type {import('@supabase/supabase-js').RealtimeSystemPayload} */ said) => {
                if (said.status !== 'ok') return trouble(`system ${said.status}: ${said.message}`)
                if (said.extension !== 'system' || said.message !== REPLICATION_READY) return
                isReady = true
                ready.resolve()
            })
            .subscribe((status, error) => {
                if (status !== 'SUBSCRIBED') trouble(error ? `${status}: ${error.message}` : status)
            })

        try {
            await withDeadline(ready.promise, READY_WITHIN_MS, `${this.record.name}: ${name}: "${REPLICATION_READY}"`)
        } catch (error) {
            if (!(error instanceof DeadlineError)) throw error
            throw new DeadlineError(`${error.message}; last trouble: ${lastTrouble}`, { cause: error })
        }
    }

    /** @param {Topic} topic @param {string} event @param {unknown} payload */
    #record(topic, event, payload) {
        this.record.seen.push({ topic, event, received_at_ms: nowMs(), payload })
        for (const watcher of [...this.#watchers]) watcher()
    }
}
