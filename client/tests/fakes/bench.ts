/** A client on a fake clock, a fake Supabase and a fake stream, ready for a test. */

import { createStreamClient } from '../../src/edge.ts'
import { type ConnectionConfig, ManualLifecycle, type StreamClient, type StreamClientOptions } from '../../src/index.ts'
import { EDGE_URL, edgeFetch } from './edge_fetch.ts'
import { FakeClock } from './fake_clock.ts'
import { FakeRandom } from './fake_random.ts'
import { FakeStream, SESSION, USER } from './fake_stream.ts'
import { FakeSupabase } from './fake_supabase.ts'

export const CONFIG: ConnectionConfig = { sessionId: SESSION, userId: USER }

/** `over`: the way of calls. */
export type BenchOptions = Partial<Omit<StreamClientOptions, 'clock'>> & {
    seed?: number
    over?: 'rpc' | 'edge'
    /** One for several clients; one of its own when left out. */
    clock?: FakeClock
}

export interface Bench {
    clock: FakeClock
    supabase: FakeSupabase
    stream: FakeStream
    lifecycle: ManualLifecycle
    client: StreamClient
    /** What the app was shown, in order. */
    states: string[]
    errors: string[]
    /** Connects, with all the time that it needs. */
    connect(how?: Partial<ConnectionConfig>): Promise<void>
    /** Disposes of the client, with all the time that it needs. */
    dispose(): Promise<void>
}

export function bench(options: BenchOptions = {}): Bench {
    const { seed = 1, over = 'rpc', clock = new FakeClock(), ...rest } = options
    const supabase = new FakeSupabase(clock)
    const stream = new FakeStream(supabase, () => clock.now())
    const lifecycle = new ManualLifecycle()
    const edge = over === 'edge' ? { edgeUrl: EDGE_URL, fetch: edgeFetch(supabase, clock) } : {}
    const client = createStreamClient({ supabase, clock, random: new FakeRandom(seed), lifecycle, ...edge, ...rest })
    const states: string[] = []
    const errors: string[] = []
    client.connection.on('state', ({ state, reason }) => states.push(`${state} ${reason}`))
    client.connection.on('error', ({ code }) => errors.push(code))
    return {
        clock,
        supabase,
        stream,
        lifecycle,
        client,
        states,
        errors,
        async connect(how = {}) {
            const connected = client.connection.connect({ ...CONFIG, ...how })
            connected.catch(() => {})
            await clock.advance(1_000)
            await connected
        },
        async dispose() {
            const disposed = client.dispose()
            await clock.advance(20_000)
            await disposed
        },
    }
}
