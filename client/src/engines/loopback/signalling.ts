/** The place of one engine in a channel: a socket that is opened again whenever it breaks, as Agora's SDKs do. */

import type { Cancel, Clock } from '../../clock/clock.ts'
import { Emitter } from '../../emitter/emitter.ts'
import type { VideoConnectionReason, VideoConnectionState } from '../../viewer/video_engine.ts'
import { aborted, VideoEngineError } from '../engine_error.ts'
import type { End, Message, Peer, Place, Refusal, Request, Signal } from './messages.ts'

const RETRIES_MS = [100, 250, 500, 1_000, 2_000]
/** The server says something every 4 s. */
const SILENCE_MS = 10_000

interface SignallingEvents {
    state: { state: VideoConnectionState; reason: VideoConnectionReason }
    /** After every join, the later ones too. */
    peers: Peer[]
    peerJoined: Peer
    peerLeft: { uid: number }
    signal: { from: number; data: Signal }
    tokenWillExpire: undefined
    tokenExpired: undefined
}

interface Settle {
    resolve(): void
    reject(error: Error): void
}

export class Signalling extends Emitter<SignallingEvents> {
    readonly #url: string
    readonly #clock: Clock
    #place: Place | null = null
    #socket: WebSocket | null = null
    #isJoined = false
    #hasJoined = false
    #attempts = 0
    #isUp = true
    #retry: Cancel | null = null
    #silence: Cancel | null = null
    #join: Settle | null = null
    #renewals: Settle[] = []

    constructor(url: string, clock: Clock) {
        super()
        this.#url = url
        this.#clock = clock
    }

    /** Resolves once the place is taken; tries until then, unless the server refuses or `leave` is called. */
    join(place: Place): Promise<void> {
        this.leave()
        this.#place = place
        this.emit('state', { state: 'connecting', reason: 'joining' })
        return new Promise((resolve, reject) => {
            this.#join = { resolve, reject }
            this.#open()
        })
    }

    leave(): void {
        if (this.#place === null) return
        this.#end('disconnected', 'left', aborted())
    }

    /** While there is no connection the next one takes the token. */
    renew(token: string): Promise<void> {
        if (this.#place === null) return Promise.resolve()
        this.#place = { ...this.#place, token }
        if (!this.#isJoined) return Promise.resolve()
        return new Promise((resolve, reject) => {
            this.#renewals.push({ resolve, reject })
            this.#send({ renew: { token } })
        })
    }

    signal(to: number, data: Signal): void {
        if (this.#isJoined) this.#send({ signal: { to, data } })
    }

    /** Cuts this engine off, or lets it come back. */
    setNetwork(isUp: boolean): void {
        this.#isUp = isUp
        if (!isUp) this.#lose()
        else if (this.#place !== null && this.#socket === null) this.#open()
    }

    #open(): void {
        this.#retry?.()
        this.#retry = null
        if (this.#place === null || !this.#isUp) return
        const socket = new WebSocket(this.#url)
        this.#socket = socket
        this.#expectWord()
        socket.onopen = () => {
            if (this.#place !== null) this.#send({ join: this.#place })
        }
        socket.onmessage = ({ data }) => {
            if (socket !== this.#socket) return
            this.#expectWord()
            this.#receive(JSON.parse(String(data)) as Message)
        }
        socket.onclose = () => {
            if (socket === this.#socket) this.#lose()
        }
    }

    #receive(message: Message): void {
        if (message.joined) this.#joined(message.joined.peers)
        else if (message.renewed) this.#renewals.shift()?.resolve()
        else if (message.refused) this.#refused(message.refused.reason)
        else if (message.peer_joined) this.emit('peerJoined', message.peer_joined)
        else if (message.peer_left) this.emit('peerLeft', message.peer_left)
        else if (message.signal) this.emit('signal', message.signal)
        else if (message.token_will_expire) this.emit('tokenWillExpire', undefined)
        else if (message.ended) this.#ended(message.ended.reason)
    }

    #joined(peers: Peer[]): void {
        this.#isJoined = true
        this.#attempts = 0
        this.emit('state', { state: 'connected', reason: this.#hasJoined ? 'rejoined' : 'joined' })
        this.#hasJoined = true
        this.#join?.resolve()
        this.#join = null
        this.emit('peers', peers)
    }

    #refused(reason: Refusal): void {
        // The socket is closed behind it, and tried again.
        if (reason === 'unavailable' && !this.#isJoined) return
        const error = new VideoEngineError(`the local stack refuses the token: ${reason}`, {
            reason: reasonOf(reason),
            code: reason,
        })
        if (this.#isJoined) this.#renewals.shift()?.reject(error)
        else this.#end('failed', reasonOf(reason), error)
    }

    #ended(reason: End): void {
        if (reason === 'restart' || reason === 'too_slow') return this.#lose()
        const error = new VideoEngineError(`the local stack ends the connection: ${reason}`, { reason, code: reason })
        if (reason === 'token_expired') this.emit('tokenExpired', undefined)
        this.#end('failed', reason, error)
    }

    /** Without a connection: the next attempt is a little later each time. */
    #lose(): void {
        if (this.#place === null) return
        const wasJoined = this.#isJoined
        this.#close()
        if (wasJoined) this.emit('state', { state: 'reconnecting', reason: 'interrupted' })
        const delay = RETRIES_MS[Math.min(this.#attempts++, RETRIES_MS.length - 1)] ?? 0
        this.#retry?.()
        this.#retry = this.#clock.after(delay, () => this.#open())
    }

    #end(state: VideoConnectionState, reason: VideoConnectionReason, error: Error): void {
        this.#place = null
        this.#hasJoined = false
        this.#attempts = 0
        this.#retry?.()
        this.#retry = null
        this.#close()
        const join = this.#join
        this.#join = null
        this.emit('state', { state, reason })
        join?.reject(error)
    }

    #close(): void {
        this.#silence?.()
        this.#silence = null
        this.#isJoined = false
        // A renewal that was under way is taken by the next connection.
        for (const renewal of this.#renewals.splice(0)) renewal.resolve()
        const socket = this.#socket
        this.#socket = null
        socket?.close()
    }

    #expectWord(): void {
        this.#silence?.()
        this.#silence = this.#clock.after(SILENCE_MS, () => this.#lose())
    }

    #send(request: Request): void {
        if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(request))
    }
}

function reasonOf(refusal: Refusal): VideoConnectionReason {
    if (refusal === 'token_expired' || refusal === 'taken_over') return refusal
    if (refusal === 'full' || refusal === 'malformed' || refusal === 'unavailable') return 'refused'
    return 'token_invalid'
}
