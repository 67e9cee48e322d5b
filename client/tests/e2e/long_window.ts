/**
 * A viewer of a stream whose frames wait: tells when it has joined, and what it has got once it holds what the other side
 * names.
 *
 * node tests/e2e/long_window.ts --supabase-url URL --anon-key KEY --session-id ID [--edge-url URL]
 *
 * Prints `joined`; reads one line, `{"head": the last entry to be held, "syncs": the fewest since the join}`; prints what was
 * told and counted since the join as one JSON object.
 */

import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { createStreamClient } from '../../src/edge.ts'
import { ManualLifecycle } from '../../src/index.ts'
import { claimsOf } from './access_token.ts'
import { signIn, VIEWER } from './demo_stack.ts'
import { until } from './waiting.ts'
import { Watched } from './watched.ts'

const { values } = parseArgs({
    options: {
        'supabase-url': { type: 'string', default: '' },
        'anon-key': { type: 'string', default: '' },
        'session-id': { type: 'string', default: '' },
        'edge-url': { type: 'string' },
    },
})
const counts = { syncs: 0, heartbeats: 0, frames: 0 }

/** Counts the calls that leave the viewer, by either way. */
function counted(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    if (pathname.endsWith('/sync')) counts.syncs++
    if (pathname.endsWith('/heartbeat')) counts.heartbeats++
    return fetch(input, init)
}

const supabase = await signIn(values['supabase-url'], values['anon-key'], VIEWER, counted)
const token = (await supabase.auth.getSession()).data.session?.access_token ?? ''
const edgeUrl = values['edge-url']
const client = createStreamClient({
    supabase,
    lifecycle: new ManualLifecycle(),
    ...(edgeUrl === undefined ? {} : { edgeUrl, fetch: counted }),
})
const watched = new Watched(client, values['session-id'], claimsOf(token).sub)
watched.held.connection.topics.chat.on('messages', () => {
    counts.frames++
})
await watched.connected()
Object.assign(counts, { syncs: 0, heartbeats: 0, frames: 0 })
process.stdout.write('joined\n')
const lines = createInterface({ input: process.stdin })
for await (const line of lines) {
    const wanted = JSON.parse(line) as { head: number; syncs: number }
    const { chat, connection } = watched.held
    await until(
        'the viewer holds the log and has polled',
        () => chat.snapshot.lastSeq === wanted.head && counts.syncs >= wanted.syncs,
        () => ({
            ...counts,
            ...wanted,
            lastSeq: chat.snapshot.lastSeq,
            state: connection.state,
            polled: connection.isPolled,
        })
    )
    const told = watched.told.map(({ seq, content }) => ({ seq, content }))
    process.stdout.write(`${JSON.stringify({ told, ...counts, findings: [] })}\n`)
    break
}
await client.dispose()
// The Supabase client waits ten seconds for the answers to what it left.
process.exit()
