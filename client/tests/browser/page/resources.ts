/** What a page holds: peer connections, sockets, tracks and timers that were opened and not closed, and video elements. */

export interface Held {
    connections: number
    sockets: number
    tracks: number
    timers: number
    videos: number
}

const connections = new Set<RTCPeerConnection>()
const sockets = new Set<WebSocket>()
const tracks = new Set<MediaStreamTrack>()
const timers = new Set<number>()

/** Replaces the constructors and functions by which these are made; before anything else runs in the page. */
export function watchResources(): void {
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
            super(configuration)
            connections.add(this)
        }
    }
    window.WebSocket = class extends WebSocket {
        constructor(url: string | URL, protocols?: string | string[]) {
            super(url, protocols)
            sockets.add(this)
        }
    }
    const { mediaDevices } = navigator
    const ask = mediaDevices.getUserMedia.bind(mediaDevices)
    mediaDevices.getUserMedia = async (constraints) => {
        const stream = await ask(constraints)
        for (const track of stream.getTracks()) tracks.add(track)
        return stream
    }
    const capture = HTMLCanvasElement.prototype.captureStream
    HTMLCanvasElement.prototype.captureStream = function (this: HTMLCanvasElement, rate) {
        const stream = capture.call(this, rate)
        for (const track of stream.getTracks()) tracks.add(track)
        return stream
    }
    watchTimers()
}

export function held(): Held {
    return {
        connections: [...connections].filter(({ connectionState }) => connectionState !== 'closed').length,
        sockets: [...sockets].filter(({ readyState }) => readyState !== WebSocket.CLOSED).length,
        tracks: [...tracks].filter(({ readyState }) => readyState === 'live').length,
        timers: timers.size,
        videos: document.querySelectorAll('video').length,
    }
}

/** How many peer connections were ever made. */
export function connectionsEver(): number {
    return connections.size
}

function watchTimers(): void {
    const { setTimeout: start, clearTimeout: stop, setInterval: repeat, clearInterval: stopRepeating } = window
    window.setTimeout = ((run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
        const id = start(() => {
            timers.delete(id)
            run(...args)
        }, ms)
        timers.add(id)
        return id
    }) as typeof window.setTimeout
    window.setInterval = ((run: () => void, ms?: number) => {
        const id = repeat(run, ms)
        timers.add(id)
        return id
    }) as typeof window.setInterval
    window.clearTimeout = (id) => {
        timers.delete(Number(id))
        stop(Number(id))
    }
    window.clearInterval = (id) => {
        timers.delete(Number(id))
        stopRepeating(Number(id))
    }
}
