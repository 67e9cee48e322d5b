/**
 * What one client is sent and asks for, seen from the wire: the faults that it can notice, and its calls of `sync`.
 *
 * A client that holds every entry up to a number notices a fault when its channel is lost after it was ready, when a frame
 * begins above the next number, and when a call of `sync` fails. Frames that come before the answer of a call count behind it.
 */

const BROADCAST = 4
const REPLICATION_READY = 'Replication connection established'

export class Wire {
    /** Channels that were ready and lost. */
    interruptions = 0
    /** Frames that began above the next number. */
    gaps = 0
    /** Calls of `sync` that failed. */
    failures = 0
    /** Calls that the server asked for: by saying that there is more, or by a frame without its entries. */
    asked = 0
    syncs = 0

    /** @type {number | undefined} */
    #known
    #isReady = false
    /** True from what makes a client call `sync` to the answer. */
    #awaitsSync = false
    /** @type {{from_seq: number, to_seq: number, digest: boolean}[]} */
    #waiting = []

    /** What a client has noticed; before the first answer it has noticed nothing. */
    get faults() {
        return this.interruptions + this.gaps + this.failures
    }

    /** A WebSocket that tells of what it receives. */
    get Socket() {
        const wire = this
        return class extends WebSocket {
            constructor(/** @type {[any, any]} */ ...where) {
                super(...where)
                this.addEventListener('message', ({ data }) => wire.#receive(data))
                this.addEventListener('close', () => wire.#lose())
            }
        }
    }

    /** A `fetch` that tells of calls of `sync`. @type {typeof fetch} */
    fetch = async (input, init) => {
        if (!String(input).endsWith('/rpc/sync')) return fetch(input, init)
        this.syncs += 1
        this.#awaitsSync = true
        try {
            const response = await fetch(input, init)
            if (!response.ok) throw new Error(`sync: ${response.status}`)
            this.#answer(await response.clone().json())
            return response
        } catch (error) {
            this.failures += 1
            this.#judgeWaiting()
            throw error
        }
    }

    /** @param {any} data */
    #receive(data) {
        if (typeof data === 'string') {
            const [, , topic, event, payload] = JSON.parse(data)
            if (event === 'system' && payload.message === REPLICATION_READY) {
                this.#isReady = true
                this.#awaitsSync = true
            }
            if (topic !== 'phoenix' && ['phx_close', 'phx_error'].includes(event)) this.#lose()
            return
        }
        const frame = frameIn(new Uint8Array(data))
        if (frame) this.#waiting.push(frame)
        if (!this.#awaitsSync) this.#judgeWaiting()
    }

    #lose() {
        if (this.#isReady) this.interruptions += 1
        this.#isReady = false
    }

    /** @param {any} answer */
    #answer({ messages, head_seq, oldest_seq, has_more }) {
        if (has_more) this.asked += 1
        this.#known = messages.at(-1)?.seq ?? (has_more ? oldest_seq - 1 : head_seq)
        if (!has_more) this.#judgeWaiting()
    }

    /** Up to the first frame that makes the client call `sync`. */
    #judgeWaiting() {
        this.#awaitsSync = false
        for (let frame; !this.#awaitsSync && (frame = this.#waiting.shift()); ) {
            if (this.#known === undefined || frame.from_seq > this.#known + 1) {
                this.gaps += 1
                this.#awaitsSync = true
            } else if (frame.digest) {
                this.asked += 1
                this.#awaitsSync = true
            } else {
                this.#known = Math.max(this.#known, frame.to_seq)
            }
        }
    }
}

/** The frame of a chat in a binary message. @param {Uint8Array} bytes */
function frameIn(bytes) {
    const [kind, topic, event, metadata] = bytes
    if (kind !== BROADCAST) return
    const text = new TextDecoder()
    const name = text.decode(bytes.subarray(5 + topic, 5 + topic + event))
    if (name === 'messages') return JSON.parse(text.decode(bytes.subarray(5 + topic + event + metadata)))
}
