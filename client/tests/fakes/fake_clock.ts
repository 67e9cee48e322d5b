/** The clock of the tests is the one that apps get for theirs. */

export { FakeClock } from '../../src/testing/fake_clock.ts'
