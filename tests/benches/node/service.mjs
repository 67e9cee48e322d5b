/**
 * Three routes of edge_api as a Node service with Express and pg, for `cargo x bench edge`: one process for each worker, a pool in
 * each, prepared statements, one transaction for a request, keep-alive. It leaves out what costs time and a comparison does not
 * need: log lines, request ids, deadlines, problem bodies.
 */

import cluster from 'node:cluster'
import { createSecretKey } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import express from 'express'
import jwt from 'jsonwebtoken'
import pg from 'pg'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const ROLES = new Set(['authenticated', 'service_role'])

const SETTINGS = {
    name: 'settings',
    text: `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
        set_config('request.method', $3, true), set_config('request.path', $4, true),
        set_config('statement_timeout', '8s', true)`,
}

// The answer stays the text that the database wrote: nobody here needs it as objects.
const HEARTBEAT = {
    name: 'heartbeat',
    text: 'select to_json(answer)::text as answer from stream.heartbeat(session_id => $1) as answer',
}
const SEND_MESSAGE = {
    name: 'send_message',
    text: `select to_json(answer)::text as answer
        from stream.send_message(session_id => $1, content => $2, id => $3) as answer`,
}
const BUYER_TOKEN = {
    name: 'generate_buyer_token',
    text: 'select to_json(answer)::text as answer from stream.generate_buyer_token(channel_id => $1) as answer',
}

/** @param {string} name */
function required(name) {
    const value = process.env[name]
    if (!value) throw new Error(`${name} is not set`)
    return value
}

function serve() {
    const key = createSecretKey(Buffer.from(required('JWT_SECRET')))
    const pool = new pg.Pool({
        connectionString: required('DATABASE_URL'),
        max: Number(required('DATABASE_POOL_SIZE')),
        connectionTimeoutMillis: 2000,
    })

    /** Calls a function as the caller, in a transaction of its own, and passes its answer on. */
    async function call(request, response, statement, values) {
        const client = await pool.connect()
        const { role, claims } = request
        let isOver = false
        try {
            // The client queues them; none is sent before the one in front of it is answered. An error in one aborts the
            // transaction, and the commit becomes a rollback.
            const settled = await Promise.allSettled([
                client.query('begin'),
                client.query({ ...SETTINGS, values: [role, claims, request.method, request.path] }),
                client.query({ ...statement, values }),
                client.query('commit'),
            ])
            isOver = settled[3].status === 'fulfilled'
            const failed = settled.find(({ status }) => status === 'rejected')
            if (failed) throw failed.reason
            response.type('json').send(settled[2].value.rows[0].answer)
        } finally {
            client.release(!isOver)
        }
    }

    const app = express()
    app.disable('x-powered-by')
    app.disable('etag')
    app.use((request, response, next) => {
        if (request.path === '/healthz') return response.sendStatus(204)
        const [scheme, token] = (request.headers.authorization ?? '').split(' ')
        if (scheme !== 'Bearer' || !token) return response.status(401).json({ code: 'unauthorized' })
        let claims
        try {
            claims = jwt.verify(token, key, { algorithms: ['HS256'], audience: 'authenticated', clockTolerance: 30 })
        } catch {
            return response.status(401).json({ code: 'unauthorized' })
        }
        if (!ROLES.has(claims.role)) return response.status(401).json({ code: 'unauthorized' })
        request.role = claims.role
        request.claims = JSON.stringify(claims)
        next()
    })
    app.use(express.json({ limit: '64kb' }))
    app.param('session_id', (request, response, next, id) => {
        if (UUID.test(id)) return next()
        response.status(400).json({ code: 'invalid_argument' })
    })
    app.post('/v1/streams/:session_id/heartbeat', (request, response) =>
        call(request, response, HEARTBEAT, [request.params.session_id]))
    app.post('/v1/streams/:session_id/messages', (request, response) => {
        const { content, id } = request.body
        if (typeof content !== 'string' || !UUID.test(id)) return response.status(400).json({ code: 'invalid_argument' })
        return call(request, response, SEND_MESSAGE, [request.params.session_id, content, id])
    })
    app.post('/v1/tokens/buyer', (request, response) => {
        const channel = request.body.channel_id
        if (typeof channel !== 'string') return response.status(400).json({ code: 'invalid_argument' })
        return call(request, response, BUYER_TOKEN, [channel])
    })
    app.use((error, request, response, next) => {
        if (response.headersSent) return next(error)
        // SQLSTATE PTxyz stands for the status xyz, as at PostgREST.
        const status = /^PT(\d{3})$/.exec(error.code ?? '')?.[1]
        response.status(Number(status ?? error.status ?? 500)).json({ code: error.code ?? 'internal' })
    })

    const server = app.listen(0, '127.0.0.1', (error) => {
        if (error) throw error
        process.send?.(server.address())
    })
    server.keepAliveTimeout = 60_000
}

/** Starts the workers, which share one address, and writes it down when all of them listen. */
function lead() {
    const file = required('ADDRESS_FILE')
    const workers = Number(required('WORKERS'))
    let listening = 0
    cluster.on('message', (_worker, { address, port }) => {
        listening += 1
        if (listening < workers) return
        writeFileSync(`${file}.new`, `${address}:${port}\n`)
        renameSync(`${file}.new`, file)
    })
    cluster.on('exit', () => process.exit(1))
    for (let number = 0; number < workers; number += 1) cluster.fork()
    process.on('SIGTERM', () => process.exit(0))
}

if (cluster.isPrimary) lead()
else serve()
