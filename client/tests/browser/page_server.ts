/** Serves the page that the tests drive: this package's sources as one script, and Agora's SDK as its maker builds it. */

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { AGORA, bundle, CLIENT } from './bundle.ts'

const HTML = `<!doctype html><meta charset="utf-8"><title>test</title>
<style>body { margin: 0 } .view { width: 320px; height: 240px }</style>
<button id="touch">touch</button><main></main>`

export interface PageServer {
    url: string
    stop(): Promise<void>
}

export async function servePage(): Promise<PageServer> {
    const script = await bundle(join(CLIENT, 'tests/browser/page/page.ts'))
    const files: Record<string, [string, string | Buffer]> = {
        '/': ['text/html', `${HTML}<script type="module" src="/page.js"></script>`],
        '/agora': [
            'text/html',
            `${HTML}<script src="/agora.js"></script><script type="module" src="/page.js"></script>`,
        ],
        '/page.js': ['text/javascript', script],
        '/agora.js': ['text/javascript', readFileSync(AGORA)],
    }
    const server = createServer((request, response) => {
        const [type, body] = files[new URL(request.url ?? '/', 'http://page').pathname] ?? []
        response.writeHead(body === undefined ? 404 : 200, { 'content-type': type ?? 'text/plain' }).end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, stop: () => stop(server) }
}

async function stop(server: Server): Promise<void> {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
}
