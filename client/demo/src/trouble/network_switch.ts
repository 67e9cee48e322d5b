/**
 * The network of this page behind a switch: calls, sockets and video. What is cut is as dead as in a tunnel: sockets stay open and
 * silent, calls fail, video stops; when the network is back, what was open before is closed.
 */

/** Nothing listens on the discard port. */
const NOWHERE = 'ws://127.0.0.1:9/'

export class NetworkSwitch {
    #isCut = false
    #cuts = 0
    readonly #calls = new Set<AbortController>()
    readonly #sockets = new Set<{ isDead: boolean; end(): void }>()
    readonly #peers = new Set<RTCPeerConnection>()

    get isCut(): boolean {
        return this.#isCut
    }

    cut(): void {
        if (this.#isCut) return
        this.#isCut = true
        this.#cuts++
        for (const call of this.#calls) call.abort()
        for (const socket of this.#sockets) socket.isDead = true
        // A network that goes leaves the last picture where it is; a closed connection alone would blank it.
        for (const video of document.querySelectorAll('video')) video.pause()
        for (const peer of this.#peers) peer.close()
        this.#peers.clear()
    }

    restore(): void {
        if (!this.#isCut) return
        this.#isCut = false
        for (const socket of [...this.#sockets]) if (socket.isDead) socket.end()
    }

    /** Puts this switch in the way of everything that the page sends; once, before anything is sent. */
    install(view: Window & typeof globalThis): void {
        this.#installFetch(view)
        this.#installSockets(view)
        this.#installPeers(view)
    }

    #installFetch(view: Window & typeof globalThis): void {
        const original = view.fetch.bind(view)
        view.fetch = async (input, init) => {
            if (this.#isCut) throw new TypeError('Failed to fetch: the network is cut')
            const call = new AbortController()
            const cutsBefore = this.#cuts
            const own = init?.signal ?? (input instanceof Request ? input.signal : null)
            const signal = own ? AbortSignal.any([own, call.signal]) : call.signal
            this.#calls.add(call)
            try {
                return await original(input, { ...init, signal })
            } catch (error) {
                if (this.#cuts === cutsBefore) throw error
                throw new TypeError('Failed to fetch: the network was cut', { cause: error })
            } finally {
                this.#calls.delete(call)
            }
        }
    }

    #installSockets(view: Window & typeof globalThis): void {
        const network = this
        const sockets = this.#sockets
        view.WebSocket = class extends view.WebSocket {
            readonly #line: { isDead: boolean; end(): void }

            constructor(url: string | URL, protocols?: string | string[]) {
                super(network.isCut ? NOWHERE : url, protocols)
                this.#line = { isDead: false, end: () => super.close() }
                sockets.add(this.#line)
                this.addEventListener('close', () => sockets.delete(this.#line))
                // The first of all listeners: nobody hears what comes through a dead line.
                this.addEventListener('message', (event) => {
                    if (this.#line.isDead) event.stopImmediatePropagation()
                })
            }

            override send(data: Parameters<WebSocket['send']>[0]): void {
                if (!this.#line.isDead) super.send(data)
            }
        }
    }

    #installPeers(view: Window & typeof globalThis): void {
        if (view.RTCPeerConnection === undefined) return
        const peers = this.#peers
        view.RTCPeerConnection = class extends view.RTCPeerConnection {
            constructor(configuration?: RTCConfiguration) {
                super(configuration)
                peers.add(this)
            }

            override close(): void {
                peers.delete(this)
                super.close()
            }
        }
    }
}
