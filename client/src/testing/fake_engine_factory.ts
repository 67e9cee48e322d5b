/** A factory of fake engines that remembers them and what goes wrong with them. */

import type { VideoEngineFactory } from '../viewer/video_engine.ts'
import { FakeEngine, type FakeEngineOptions } from './fake_engine.ts'
import { type FakeFaults, mend, noFaults } from './fake_faults.ts'
import { FakeVideoNetwork } from './fake_network.ts'

export interface FakeEngineFactory extends VideoEngineFactory {
    readonly engines: readonly FakeEngine[]
    /** The newest engine; there is none before the viewer makes one. */
    readonly current: FakeEngine
    readonly network: FakeVideoNetwork
    readonly faults: FakeFaults
}

export function fakeEngine(options: FakeEngineOptions): FakeEngineFactory {
    const network = options.network ?? new FakeVideoNetwork()
    const engines: FakeEngine[] = []
    const faults = noFaults()
    const make = () => {
        if (engines.length > 0) mend(faults, 'new_engine')
        const engine = new FakeEngine({ ...options, network }, faults)
        engines.push(engine)
        return engine
    }
    const factory = Object.assign(make, { engines, network, faults })
    return Object.defineProperty(factory, 'current', { get: () => engines.at(-1) }) as typeof factory & {
        readonly current: FakeEngine
    }
}
