/** An engine over a fake react-native-agora, on a clock that tests move, with a record of what it tells. */

import { AgoraReactNativeEngine } from '../../src/engines/agora_react_native/agora_react_native_engine.ts'
import type { VideoEngineEvents, VideoRole } from '../../src/viewer/video_engine.ts'
import { FakeClock } from '../fakes/fake_clock.ts'
import { FakeAgoraNative } from './fake_agora_native.ts'

export interface Bench {
    sdk: FakeAgoraNative
    clock: FakeClock
    engine: AgoraReactNativeEngine
    told: [string, unknown][]
    join(role?: VideoRole, abort?: AbortController): Promise<void>
    /** The last event of a name. */
    last(name: string): unknown
}

export const CONNECTION: { channelId: string; localUid: number } = { channelId: 'channel', localUid: 7 }
export const STATS: object = {}

/** On the module of another bench both engines share what it has. */
export function start({ sdk, clock }: Pick<Bench, 'sdk' | 'clock'> = fresh()): Bench {
    const engine = new AgoraReactNativeEngine({ agora: sdk, appId: 'app', clock })
    const told: [string, unknown][] = []
    const names: (keyof VideoEngineEvents)[] = [
        'connection',
        'remoteJoined',
        'remoteLeft',
        'remoteVideo',
        'remoteAudio',
        'frame',
        'size',
        'tokenWillExpire',
        'tokenExpired',
        'quality',
        'local',
    ]
    for (const name of names) engine.on(name, (event) => told.push([name, event]))
    const join = (role: VideoRole = 'audience', abort: AbortController = new AbortController()) =>
        engine.join({ channelId: 'channel', token: 'token', uid: 7, role, signal: abort.signal })
    /** The words of the last event of a name. */
    const last = (name: string) => told.filter(([known]) => known === name).at(-1)?.[1]
    return { sdk, clock, engine, told, join, last }
}

function fresh(): Pick<Bench, 'sdk' | 'clock'> {
    return { sdk: new FakeAgoraNative(), clock: new FakeClock() }
}

export async function joined(role: VideoRole = 'audience'): Promise<Bench> {
    const bench = start()
    const join = bench.join(role)
    await settled()
    bench.sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await join
    return bench
}

/** Everything that needs no time has happened. */
export async function settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

/** The outcome of a call now: pending, resolved, or the reason of its refusal. */
export function outcome(work: Promise<unknown>): () => string {
    let now = 'pending'
    work.then(
        () => {
            now = 'resolved'
        },
        (error: { reason?: string }) => {
            now = error.reason ?? String(error)
        }
    )
    return () => now
}
