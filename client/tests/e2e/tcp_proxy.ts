/** A TCP proxy on loopback whose connections can be cut, held back and refused. */

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class TcpProxy {
    readonly #target: { host: string; port: number }
    readonly #server: Server
    readonly #pairs = new Set<Socket[]>()
    #isRefusing = false
    readonly #protocol: string

    private constructor(target: URL) {
        this.#target = addressOf(target)
        this.#protocol = target.protocol
        this.#server = createServer((client) => this.#relay(client))
    }

    static async start(url: string): Promise<TcpProxy> {
        const target = new URL(url)
        if (target.protocol !== 'http:')
            throw new Error(`${url}: only http can be cut; put a proxy without TLS in front of it`)
        const proxy = new TcpProxy(target)
        await new Promise<void>((resolve, reject) => {
            proxy.#server.once('error', reject).listen(0, '127.0.0.1', resolve)
        })
        return proxy
    }

    get url(): string {
        const { port } = this.#server.address() as AddressInfo
        return `${this.#protocol}//127.0.0.1:${port}`
    }

    /** Resets every connection, with whatever was under way. */
    cut(): void {
        for (const pair of [...this.#pairs]) for (const socket of pair) socket.resetAndDestroy()
        this.#pairs.clear()
    }

    /** Nothing listens any more, as for a gateway that is down. */
    refuse(): void {
        this.#isRefusing = true
        this.cut()
    }

    accept(): void {
        this.#isRefusing = false
    }

    /** A device that sleeps: nothing is closed, and nothing arrives. */
    hold(): void {
        for (const pair of this.#pairs) for (const socket of pair) socket.pause()
    }

    async stop(): Promise<void> {
        this.refuse()
        await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    }

    #relay(client: Socket): void {
        if (this.#isRefusing) {
            client.resetAndDestroy()
            return
        }
        const server = connect(this.#target)
        const pair = [client, server]
        this.#pairs.add(pair)
        const end = () => {
            this.#pairs.delete(pair)
            client.destroy()
            server.destroy()
        }
        for (const socket of pair) socket.on('error', end).on('close', end)
        client.pipe(server)
        server.pipe(client)
    }
}

function addressOf({ hostname, port }: URL): { host: string; port: number } {
    return { host: hostname, port: Number(port || 80) }
}
