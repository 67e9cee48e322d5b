/**
 * Plays the example of docs/realtime.md: it shows every entry once, in order, whatever Realtime loses.
 *
 * A viewer follows a chat with the example while a seller writes. On the way every frame comes twice and one is lost,
 * the server closes the channel, and the socket breaks.
 *
 * Argument: {supabaseUrl, anonKey, sessionId, document, viewer, stranger, seller: access tokens}.
 * Answer: {shown: numbers in the order in which they were shown, last: number of the last entry, troubles: texts}.
 */

import { createClient } from '@supabase/supabase-js'
import { moduleIn } from './examples.mjs'

const { supabaseUrl, anonKey, sessionId, document, ...tokens } = JSON.parse(process.argv[2])

/** Above what the example waits before it joins again. */
const STEP_WITHIN_MS = 30_000

/** What happens to the viewer's socket. @type {{open: WebSocket | null, losesFrames: boolean, lost: number}} */
const line = { open: null, losesFrames: false, lost: 0 }

class FaultySocket extends WebSocket {
    constructor(/** @type {[any, any]} */ ...where) {
        super(...where)
        line.open = this
    }

    /** Frames of the database are binary. Each that is not lost comes twice. */
    set onmessage(/** @type {any} */ listener) {
        super.onmessage = (/** @type {MessageEvent} */ event) => {
            if (typeof event.data === 'string') return listener(event)
            if (line.losesFrames) return (line.lost += 1)
            listener(event)
            listener(event)
        }
    }
}

let viewerToken = tokens.viewer
const viewer = createClient(supabaseUrl, anonKey, {
    db: { schema: 'stream' },
    accessToken: async () => viewerToken,
    realtime: { transport: FaultySocket },
})
const seller = createClient(supabaseUrl, anonKey, { db: { schema: 'stream' }, accessToken: async () => tokens.seller })

/** Writes a message and answers its number. */
async function write() {
    const { data, error } = await seller.rpc('send_message', { session_id: sessionId, content: 'hello' })
    if (error) throw new Error(error.message)
    return data.seq
}

/** @type {number[]} */
let shown = []
/** @type {string[]} */
const troubles = []
/** @type {Set<() => void>} */
const watchers = new Set()
const changed = () => watchers.forEach((watcher) => watcher())

/** @param {string} what @param {() => boolean} holds */
function until(what, holds) {
    return new Promise((resolve, reject) => {
        const expired = () => reject(new Error(`${what}: not within ${STEP_WITHIN_MS} ms: ${shown} ${troubles}`))
        const timer = setTimeout(expired, STEP_WITHIN_MS)
        const watcher = () => {
            if (!holds()) return
            clearTimeout(timer)
            watchers.delete(watcher)
            resolve(undefined)
        }
        watchers.add(watcher)
        watcher()
    })
}

/** @param {number} seq */
const isShown = (seq) => () => shown.includes(seq)

const { followChat } = await moduleIn(document, 'followChat')
const end = followChat(
    viewer,
    sessionId,
    (/** @type {{seq: number}[]} */ entries, /** @type {boolean} */ isAnew) => {
        if (isAnew) shown = []
        shown.push(...entries.map(({ seq }) => seq))
        changed()
    },
    (/** @type {any} */ trouble) => {
        troubles.push(trouble?.message ?? String(trouble))
        changed()
    },
)

await until('what was there', () => shown.length > 0)
await until('a frame', isShown(await write()))

// A frame is lost: the next one shows the gap.
line.losesFrames = true
const lost = await write()
await until('the loss of a frame', () => {
    // Nothing tells of a lost frame, so its socket is asked.
    if (line.lost === 0) setTimeout(changed, 10)
    return line.lost > 0
})
line.losesFrames = false
await until('what the gap hid', isShown(Math.max(lost, await write())))

// The server closes the channel, because the policies refuse its new token.
viewerToken = tokens.stranger
await viewer.realtime.setAuth()
await until('the end of the channel', () => troubles.some((trouble) => trouble.includes('CLOSED')))
viewerToken = tokens.viewer
await until('what was written meanwhile', isShown(await write()))

// The socket breaks.
line.open?.close(3000)
await until('what was written without a socket', isShown(await write()))
const last = await write()
await until('the last frame', isShown(last))

await end()
process.stdout.write(JSON.stringify({ shown, last, lost: line.lost, troubles }), () => process.exit(0))
