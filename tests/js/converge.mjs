/**
 * Many clients that follow chats with the example of docs/realtime.md, while a test makes faults.
 *
 * Argument: {supabaseUrl, anonKey, document, followers: [{sessionId, accessToken}]}.
 * Commands, a line each, answered by a line each:
 *     {"do": "ready"}                            every client has called `sync`: {}
 *     {"do": "troubled", "times": count}         every client has reported as many troubles: {}
 *     {"do": "until", "heads": {sessionId: seq}} every client shows this entry, within 10 s: {late: [numbers of clients]}
 *     {"do": "report"}                           [{shown, syncs, faults, interruptions, gaps, failures, troubles}], and the end
 */

import { createInterface } from 'node:readline'
import { createClient } from '@supabase/supabase-js'
import { moduleIn } from './examples.mjs'
import { Wire } from './wire.mjs'

/** The promise: within this time of the last fault every client shows what the table holds. */
const WITHIN_MS = 10_000
/** The beginning has no promise, and a machine that is busy with starting everything. */
const READY_WITHIN_MS = 60_000

const { supabaseUrl, anonKey, document, followers } = JSON.parse(process.argv[2])
const { followChat } = await moduleIn(document, 'followChat')

/** @type {Set<() => void>} */
const watchers = new Set()
const changed = () => watchers.forEach((watcher) => watcher())

/** True as soon as `holds` is, false when it is not in time. @param {() => boolean} holds @param {number} withinMs */
function within(holds, withinMs) {
    return new Promise((resolve) => {
        const end = (/** @type {boolean} */ outcome) => {
            clearTimeout(timer)
            watchers.delete(watcher)
            resolve(outcome)
        }
        const watcher = () => holds() && end(true)
        const timer = setTimeout(() => end(holds()), withinMs)
        watchers.add(watcher)
        watcher()
    })
}

class Follower {
    /** @type {number[]} */
    shown = []
    /** @type {string[]} */
    troubles = []
    wire = new Wire()
    /** @type {string} */
    sessionId

    /** @param {{sessionId: string, accessToken: string}} of */
    constructor({ sessionId, accessToken }) {
        this.sessionId = sessionId
        const supabase = createClient(supabaseUrl, anonKey, {
            db: { schema: 'stream' },
            accessToken: async () => accessToken,
            global: { fetch: this.wire.fetch },
            realtime: { transport: this.wire.Socket },
        })
        const show = (/** @type {{seq: number}[]} */ entries, /** @type {boolean} */ isAnew) => {
            if (isAnew) this.shown = []
            this.shown.push(...entries.map(({ seq }) => seq))
            changed()
        }
        const report = (/** @type {any} */ trouble) => {
            this.troubles.push(trouble?.message ?? String(trouble))
            changed()
        }
        followChat(supabase, sessionId, show, report)
    }

    report() {
        const { syncs, asked, faults, interruptions, gaps, failures } = this.wire
        const { shown, troubles } = this
        return { shown, syncs: syncs - asked, faults, interruptions, gaps, failures, troubles }
    }
}

const all = followers.map((/** @type {any} */ of) => new Follower(of))
/** @param {unknown} value */
const answer = (value) => new Promise((resolve) => process.stdout.write(`${JSON.stringify(value)}\n`, resolve))

for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line)
    if (command.do === 'ready') {
        const areReady = () => all.every((/** @type {Follower} */ { shown }) => shown.length > 0)
        if (!(await within(areReady, READY_WITHIN_MS))) throw new Error(JSON.stringify(all.map(({ troubles }) => troubles)))
        await answer({})
    } else if (command.do === 'troubled') {
        const areTroubled = () => all.every((/** @type {Follower} */ { troubles }) => troubles.length >= command.times)
        if (!(await within(areTroubled, READY_WITHIN_MS))) throw new Error(JSON.stringify(all.map(({ troubles }) => troubles)))
        await answer({})
    } else if (command.do === 'until') {
        const isLate = (/** @type {Follower} */ { shown, sessionId }) => !shown.includes(command.heads[sessionId])
        await within(() => !all.some(isLate), WITHIN_MS)
        await answer({ late: all.flatMap((one, number) => (isLate(one) ? [number] : [])) })
    } else {
        await answer(all.map((one) => one.report()))
        process.exit(0)
    }
}
