/** A stream viewer on a fake clock, a fake server and a fake engine, ready for a test. */

import type * as Wire from '../../src/contract/wire.ts'
import { type FakeEngineFactory, type FakeEngineOptions, type FakeSender, fakeEngine } from '../../src/testing.ts'
import {
    type RecoveryEvent,
    StreamViewer,
    type StreamViewerOptions,
    type StreamViewerSnapshot,
} from '../../src/viewer.ts'
import { type Bench, type BenchOptions, bench } from '../fakes/bench.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'

export const VIEW = { name: 'view' }

/** The uid of the host of the first generation. */
export const HOST = 101

/** An engine that tells of the first picture alone, as native SDKs do. */
export const NATIVE = { capabilities: { eachFrame: false, pixels: false, viewVisibility: false } }

export interface ViewerBenchOptions extends BenchOptions {
    role?: 'seller' | 'buyer'
    engine?: Partial<FakeEngineOptions>
    viewer?: Partial<StreamViewerOptions>
    /** Whether a host sends already; true when left out, for buyers. */
    host?: boolean
    /** Whether a view is there from the beginning. */
    view?: boolean
}

export interface ViewerBench extends Bench {
    viewer: StreamViewer
    engines: FakeEngineFactory
    /** Only where a host sends. */
    host: FakeSender
    phases: string[]
    recoveries: RecoveryEvent[]
    troubles: string[]
    readonly snapshot: StreamViewerSnapshot
    /** Starts and lets everything come up. */
    play(ms?: number): Promise<void>
    /** A state as Realtime tells it. */
    say(state: Wire.StateEvent['state'], generation?: number): void
    end(): Promise<void>
}

export function viewerBench(options: ViewerBenchOptions = {}): ViewerBench {
    const { role = 'buyer', engine = {}, viewer: config = {}, host: hasHost, view = true, ...rest } = options
    const of = bench(rest)
    const { clock, client, supabase, stream } = of
    const engines = fakeEngine({ clock, ...engine })
    const isHosted = hasHost ?? role === 'buyer'
    const host = isHosted ? engines.network.host(SESSION, HOST) : (undefined as unknown as FakeSender)
    serveTokens(of, role)
    if (role === 'seller') stream.state = 'initializing'
    const viewer = new StreamViewer(client, {
        sessionId: SESSION,
        userId: USER,
        userRole: role,
        engine: engines,
        ...(role === 'seller' && { generation: 1 }),
        ...config,
    })
    const phases: string[] = []
    const recoveries: RecoveryEvent[] = []
    const troubles: string[] = []
    viewer.on('phase', ({ phase }) => phases.push(phase))
    viewer.on('recovery', (event) => recoveries.push(event))
    viewer.on('error', ({ code }) => troubles.push(code))
    if (view) viewer.attach(VIEW)
    return {
        ...of,
        viewer,
        engines,
        host,
        phases,
        recoveries,
        troubles,
        get snapshot() {
            return viewer.snapshot
        },
        async play(ms = 2_000) {
            viewer.start()
            await clock.advance(ms)
        },
        say(state, generation = stream.generation) {
            stream.state = state
            stream.generation = generation
            stream.headSeq++
            supabase.realtime.find(`stream:${SESSION}`)?.broadcast('state', {
                session_id: SESSION,
                seq: stream.headSeq,
                state,
                reason: null,
                generation,
                host_uid: 100 + generation,
                reconnect_deadline: null,
                server_time: stream.serverTime,
            })
        },
        async end() {
            const disposed = viewer.dispose()
            await clock.advance(10_000)
            await disposed
            await of.dispose()
        },
    }
}

/** What recovery tried, and against what. */
export function steps({ recoveries }: ViewerBench): string[] {
    return recoveries.map(({ step, cause }) => `${step} ${cause}`)
}

/** The server's answers about tokens, and about the seller's place. */
function serveTokens({ supabase, stream, clock }: Bench, role: 'seller' | 'buyer'): void {
    const uid = () => (role === 'seller' ? 100 + stream.generation : 7)
    let no = 0
    const token = () => {
        const made = stream.token()
        const privileges = { ...made.privileges, can_publish: role === 'seller' }
        return { ...made, token: `${made.token}-${++no}`, uid: uid(), privileges }
    }
    const { heartbeat } = supabase.handlers
    supabase.handlers = {
        ...supabase.handlers,
        refresh_token: token,
        generate_buyer_token: token,
        generate_seller_token: token,
        update_stream_state: ({ state }) => {
            stream.state = state as Wire.SyncResult['state']
            stream.headSeq++
            supabase.realtime.find(`stream:${SESSION}`)?.broadcast('state', {
                session_id: SESSION,
                seq: stream.headSeq,
                state: stream.state,
                reason: null,
                generation: stream.generation,
                host_uid: 100 + stream.generation,
                reconnect_deadline: null,
                server_time: new Date(clock.now()).toISOString(),
            })
            return 'active'
        },
        heartbeat: (args) => {
            if (role === 'seller') stream.isJoined = true
            return heartbeat?.(args)
        },
    }
}

/** A seller who has not asked for anything yet. */
export const sellerBench = (options: ViewerBenchOptions = {}): ViewerBench =>
    viewerBench({ role: 'seller', ...options })

/** A seller who is live. */
export async function liveSeller(options: ViewerBenchOptions = {}): Promise<ViewerBench> {
    const of = sellerBench(options)
    await of.play(1_000)
    const promise = of.viewer.goLive()
    await of.clock.advance(1_000)
    await promise
    return of
}
