/** A phone of the local network, as far as HTTP goes: what it gets from the stand-in with and without TLS. Prints it as JSON. */

import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'

const { plain, tls, authorityFile, apiKey, origin, silent } = JSON.parse(process.argv[2])
const authority = readFileSync(authorityFile)

/** @returns {Promise<{status: number, body?: string, headers: object} | {error: string}>} */
function request(url, options = {}) {
    const { request } = url.startsWith('https:') ? https : http
    return new Promise((resolve) => {
        const sent = request(url, { agent: false, ...options }, (response) => {
            let body = ''
            response.setEncoding('utf8')
            response.on('data', (text) => (body += text))
            response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
        })
        sent.on('upgrade', (response, socket) => {
            socket.destroy()
            resolve({ status: response.statusCode, headers: response.headers })
        })
        sent.on('error', ({ code }) => resolve({ error: code }))
        sent.end()
    })
}

const address = new URL(tls)
const silentSockets = await Promise.all(
    Array.from({ length: silent }, () => {
        const socket = net.connect(Number(address.port), address.hostname)
        return new Promise((resolve, reject) => socket.on('connect', () => resolve(socket)).on('error', reject))
    })
)
const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.from('sixteen bytes!!!').toString('base64'),
}
const socketPath = `/realtime/v1/websocket?apikey=${apiKey}&vsn=2.0.0`
const trusting = { ca: authority }
const health = await request(`${plain}/health`, { headers: { origin } })
console.log(
    JSON.stringify({
        health: health.status,
        allowedOrigin: health.headers?.['access-control-allow-origin'] ?? null,
        trusted: (await request(`${tls}/health`, trusting)).status,
        untrusted: (await request(`${tls}/health`)).error,
        faults: (await request(`${plain}/_local/faults`, { method: 'POST' })).status,
        demo: (await request(`${plain}/demo/settings.json`)).status,
        signalling: (await request(`${plain}/_local/loopback`, { headers: upgrade })).status,
        socket: (await request(`${plain}${socketPath}`, { headers: upgrade })).status,
        secureSocket: (await request(`${tls}${socketPath}`, { ...trusting, headers: upgrade })).status,
        authority: (await request(`${plain}/_local/authority.pem`)).body === authority.toString(),
    })
)
for (const socket of silentSockets) socket.destroy()
