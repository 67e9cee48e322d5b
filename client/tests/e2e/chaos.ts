/**
 * A viewer whose network breaks, sleeps and comes back while a thousand messages are written: at the end the client must
 * have told its app the log, each entry once and in order, with one sync for each wake.
 *
 * node tests/e2e/chaos.ts --supabase-url URL --anon-key KEY [--edge-url URL] [--messages N] [--seed N] [--harness] [--lossy]
 *
 * Signs in as the users of the demo. With JWT_SECRET in the environment the viewer's tokens run out after seconds; with
 * --harness the gateway is restarted by whoever started this script. With --lossy Realtime loses rows, and gaps cost syncs
 * beside those of wakes. Prints one JSON object as its last line.
 */

import { parseArgs } from 'node:util'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { createStreamClient } from '../../src/edge.ts'
import { ManualLifecycle } from '../../src/index.ts'
import { Dice } from '../fake_server/dice.ts'
import { claimsOf, ShortTokens } from './access_token.ts'
import { readLog, SELLER, signIn, startStream, VIEWER } from './demo_stack.ts'
import { Harness } from './harness.ts'
import { TcpProxy } from './tcp_proxy.ts'
import { sleep, until } from './waiting.ts'
import { Watched } from './watched.ts'

/** Shorter than a long sleep, so that a wake meets a token that has run out; Realtime closes the channels of one that has. */
const TOKEN_LIFE_MS = 12_000
const LONG_SLEEP_MS = 13_500
/** For how long after a wake a sync too many is looked for. */
const WATCHED_MS = 1_000
const WRITE_EVERY_MS = 50

const { values } = parseArgs({
    options: {
        'supabase-url': { type: 'string' },
        'anon-key': { type: 'string' },
        'edge-url': { type: 'string' },
        messages: { type: 'string', default: '1000' },
        seed: { type: 'string', default: '1' },
        harness: { type: 'boolean', default: false },
        lossy: { type: 'boolean', default: false },
    },
})
const supabaseUrl = values['supabase-url'] ?? fail('--supabase-url is missing')
const anonKey = values['anon-key'] ?? fail('--anon-key is missing')
const messageCount = Number(values.messages)
const random = new Dice(Number(values.seed))
const harness = values.harness ? new Harness() : null

const findings: string[] = []
const counts = { cuts: 0, sleeps: 0, outages: 0, gatewayRestarts: 0, tokens: 0, syncs: 0, restored: 0, said: 0 }

async function main(): Promise<void> {
    const seller = await signIn(supabaseUrl, anonKey, SELLER)
    const stream = await startStream(seller)
    const proxies = [await TcpProxy.start(supabaseUrl)]
    const edge = values['edge-url'] === undefined ? null : await TcpProxy.start(values['edge-url'])
    if (edge !== null) proxies.push(edge)
    const lifecycle = new ManualLifecycle()
    const viewer = await viewerClient(proxies[0]?.url ?? fail('no proxy'))
    const client = createStreamClient({
        supabase: viewer.supabase,
        lifecycle,
        ...(edge === null ? {} : { edgeUrl: edge.url, fetch: counted }),
    })
    const watched = new Watched(client, stream.id, viewer.userId)
    try {
        await watched.connected()
        const written = write(stream.id, seller)
        let isWriting = true
        void written.finally(() => {
            isWriting = false
        })
        while (isWriting) await disturb(proxies, lifecycle, watched)
        await written
        await watched.settled()
        await judge(stream.id, await signIn(supabaseUrl, anonKey, SELLER), watched)
    } catch (error) {
        findings.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    counts.tokens = viewer.tokens?.made ?? 0
    counts.restored = watched.restored
    counts.said = watched.said.size
    for (const reason of watched.discontinuities) findings.push(`a discontinuity: ${reason}`)
    await client.dispose()
    viewer.supabase.realtime.disconnect()
    await (await signIn(supabaseUrl, anonKey, SELLER)).schema('stream').rpc('end_stream', { session_id: stream.id })
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    harness?.end()
    const transport = edge === null ? 'rpc' : 'edge'
    const report = {
        passed: findings.length === 0,
        transport,
        seed: values.seed,
        messages: messageCount,
        counts,
        findings,
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
    process.exit(findings.length === 0 ? 0 : 1)
}

/** One disturbance, and the quiet after it in which the client comes back. */
async function disturb(proxies: TcpProxy[], lifecycle: ManualLifecycle, watched: Watched): Promise<void> {
    await sleep(random.between(200, 1_500))
    watched.say()
    const dice = random.next()
    if (dice < 0.4) {
        counts.cuts++
        for (const proxy of proxies) proxy.cut()
    } else if (dice < 0.75) {
        await fallAsleepAndWake(proxies, lifecycle, watched)
    } else if (dice < 0.9 || harness === null) {
        counts.outages++
        for (const proxy of proxies) proxy.refuse()
        await sleep(random.between(200, 2_500))
        for (const proxy of proxies) proxy.accept()
        await watched.connected()
    } else {
        counts.gatewayRestarts++
        await harness.restartGateway()
        await watched.connected()
    }
}

async function fallAsleepAndWake(proxies: TcpProxy[], lifecycle: ManualLifecycle, watched: Watched): Promise<void> {
    counts.sleeps++
    await watched.connected()
    lifecycle.emit('background')
    for (const proxy of proxies) proxy.hold()
    await sleep(random.chance(0.15) ? LONG_SLEEP_MS : random.between(200, 1_500))
    for (const proxy of proxies) proxy.cut()
    const { syncs: before } = counts
    lifecycle.emit('active')
    const restored = watched.restored
    await until('the viewer is back after a wake', () => watched.restored > restored)
    await sleep(WATCHED_MS)
    await watched.connected()
    // A token that ran out meanwhile is a loss of its own, with its own sync.
    const [syncs, restores] = [counts.syncs - before, watched.restored - restored]
    if (syncs > restores && !values.lossy)
        findings.push(`${syncs} syncs for one wake and ${restores - 1} losses after it`)
}

/** Writes all messages, whatever happens to the gateway: the same id is sent again until it is stored. */
async function write(sessionId: string, seller: SupabaseClient): Promise<void> {
    for (let no = 0; no < messageCount; no++) {
        const id = crypto.randomUUID()
        for (;;) {
            const args = { session_id: sessionId, content: `message ${no}`, id }
            const { error } = await seller.schema('stream').rpc('send_message', args)
            if (!error) break
            await sleep(Number(detail(error.details).retry_after_ms ?? 100))
        }
        await sleep(WRITE_EVERY_MS)
    }
}

/** Compares what was told with the log itself. */
async function judge(sessionId: string, seller: SupabaseClient, watched: Watched): Promise<void> {
    const log = await readLog(sessionId, seller)
    const first = watched.told[0]?.seq ?? 0
    const expected = log.filter(({ seq }) => seq >= first)
    await until('the viewer has the newest entry', () => watched.told.at(-1)?.seq === log.at(-1)?.seq)
    const said = new Set(expected.map(({ content }) => content))
    for (let no = 0; no < messageCount; no++)
        if (!said.has(`message ${no}`)) findings.push(`message ${no} is not in the log`)
    if (watched.told.length !== expected.length)
        findings.push(`told ${watched.told.length} entries of ${expected.length}`)
    for (const [index, entry] of expected.entries()) {
        const told = watched.told[index]
        if (told?.seq === entry.seq && told.id === entry.id && told.content === entry.content) continue
        findings.push(`entry ${entry.seq} was told as ${told?.seq}`)
        break
    }
    for (const [id, content] of watched.said) {
        const stored = log.filter((entry) => entry.id === id || entry.content === content)
        if (stored.length !== 1) findings.push(`${content} is in the log ${stored.length} times`)
    }
}

interface Viewer {
    supabase: SupabaseClient
    userId: string
    tokens: ShortTokens | null
}

/** Counts the calls of `sync` that leave the viewer, by either way. */
function counted(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    if (pathname.endsWith('/sync')) counts.syncs++
    return fetch(input, init)
}

async function viewerClient(url: string): Promise<Viewer> {
    const supabase = await signIn(url, anonKey, VIEWER, counted)
    const token = (await supabase.auth.getSession()).data.session?.access_token ?? fail('no access token')
    const claims = claimsOf(token)
    const secret = process.env.JWT_SECRET
    if (secret === undefined) return { supabase, userId: claims.sub, tokens: null }
    const tokens = new ShortTokens(secret, claims, TOKEN_LIFE_MS)
    const short = createClient(url, anonKey, { accessToken: async () => tokens.get(), global: { fetch: counted } })
    return { supabase: short, userId: claims.sub, tokens }
}

function detail(text: string | null | undefined): Record<string, unknown> {
    try {
        return JSON.parse(text ?? '') as Record<string, unknown>
    } catch {
        return {}
    }
}

function fail(message: string): never {
    process.stderr.write(`${message}\n`)
    process.exit(2)
}

await main()
