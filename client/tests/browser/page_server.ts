/** Serves the page that the tests drive: this package's sources as one script, and Agora's SDK as its maker builds it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'tsdown'

const CLIENT = new URL('../..', import.meta.url).pathname
const AGORA = join(CLIENT, 'node_modules/agora-rtc-sdk-ng/AgoraRTC_N-production.js')

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

async function bundle(entry: string): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), 'pg-stream-page-'))
    try {
        await build({
            config: false,
            cwd: CLIENT,
            entry: { page: entry },
            outDir: directory,
            format: 'esm',
            platform: 'browser',
            target: 'es2022',
            dts: false,
            fixedExtension: true,
            logLevel: 'silent',
            deps: { alwaysBundle: [/./], onlyBundle: false },
        })
        return readFileSync(join(directory, 'page.mjs'), 'utf8')
    } finally {
        rmSync(directory, { recursive: true })
    }
}

async function stop(server: Server): Promise<void> {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
}
