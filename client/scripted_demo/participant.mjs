/** A participant: one signed-in client, its three private channels, and everything they delivered, in order. */

import { createClient } from '@supabase/supabase-js'
import { createStreamClient } from '../dist/edge.mjs'
import { nowMs } from './clock.mjs'
import {
    LATE_SEEN_WITHIN_MS,
    LEAVE_WITHIN_MS,
    READY_WITHIN_MS,
    SEEN_WITHIN_MS,
    fetchWithin,
    withDeadline,
} from './deadline.mjs'
import { CallError, Door } from './doors.mjs'

/**
 * @typedef {import('./record.mjs').Topic} Topic
 * @typedef {import('./record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./record.mjs').StreamSession} StreamSession
 * @typedef {import('@supabase/supabase-js').SupabaseClient<any, any, any>} SupabaseClient
 */

export class Participant {
    /** @type {Set<() => void>} */
    #watchers = new Set()
    #leaving = false
    #hasMissed = false

    /**
     * @param {ParticipantRecord} record
     * @param {SupabaseClient} supabase
     * @param {Door} rpc
     * @param {Door | null} edge
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
        const rpc = new Door('rpc', createStreamClient({ supabase }))
        const edge = edgeUrl === null ? null : new Door('edge', createStreamClient({ supabase, edgeUrl, fetch: fetchWithin }))
        /** @type {ParticipantRecord} */
        const record = { name, role, user_id: data.user.id, lease_uid: null, token: null, seen: [], interruptions: [] }
        return new Participant(record, supabase, rpc, edge)
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
     * Connects to the stream: a buyer joins it, which gives the lease and the token; all channels of the package are shared
     * with those above.
     * @param {StreamSession} session
     */
    async connect({ id, generation }) {
        const { role, name, user_id: userId } = this.record
        this.#hold('chat', id)
        const place = role === 'seller' ? { role, generation } : { role }
        const connected = this.rpc.client.connection.connect({ sessionId: id, userId, ...place })
        await withDeadline(connected, READY_WITHIN_MS, `${name}: connecting`)
        return this.rpc.client.connection.connection
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

    /** Leaves the stream and closes the socket. */
    async leave() {
        this.#leaving = true
        const clients = [this.rpc.client, this.edge?.client]
        const left = Promise.all(clients.map((client) => client?.dispose()))
        await withDeadline(left, LEAVE_WITHIN_MS, `${this.record.name}: leaving`)
    }

    /** Resolves when database broadcasts of the topic arrive. @param {Topic} topic @param {string} sessionId */
    async #join(topic, sessionId) {
        const { channels, wakes } = this.rpc.client.core
        const lease = this.#hold(topic, sessionId)
        await channels.prepare(wakes.sleepNo)
        lease.ensure()
        await withDeadline(lease.whenReady(), READY_WITHIN_MS, `${this.record.name}: ${lease.topic}`)
    }

    /** A share of the topic, whose events are recorded. @param {Topic} topic @param {string} sessionId */
    #hold(topic, sessionId) {
        const lease = this.rpc.client.core.channels.hold(topic, sessionId)
        lease.on('broadcast', ({ event, payload }) => this.#record(topic, event, payload))
        lease.on('lost', ({ kind, message }) => {
            if (!this.#leaving) this.record.interruptions.push(`${lease.topic}: ${kind}: ${message}`)
        })
        return lease
    }

    /** @param {Topic} topic @param {string} event @param {unknown} payload */
    #record(topic, event, payload) {
        this.record.seen.push({ topic, event, received_at_ms: nowMs(), payload })
        for (const watcher of [...this.#watchers]) watcher()
    }
}
