/** The entry point for tests of apps: an engine without video, on a clock that a test moves. */

export { FakeClock } from './testing/fake_clock.ts'
export { FakeEngine, type FakeEngineOptions } from './testing/fake_engine.ts'
export { type FakeEngineFactory, fakeEngine } from './testing/fake_engine_factory.ts'
export type { FakeFaults, FakeJoinAnswer, FakePermission } from './testing/fake_faults.ts'
export {
    FakeChannel,
    type FakePicture,
    FakeSender,
    type FakeTokenVerdict,
    FakeVideoNetwork,
} from './testing/fake_network.ts'
export { FakeScreen } from './testing/fake_screen.ts'
