/** Every wait ends, and leaves no timer behind. */

import assert from 'node:assert/strict'
import { it, mock } from 'node:test'
import { DeadlineError, withDeadline } from '../deadline.mjs'

it('passes an answer on and clears its timer', async (context) => {
    const clear = context.mock.method(globalThis, 'clearTimeout')
    assert.equal(await withDeadline(Promise.resolve(7), 60_000, 'seven'), 7)
    assert.equal(clear.mock.callCount(), 1)
})

it('passes a refusal on and clears its timer', async (context) => {
    const clear = context.mock.method(globalThis, 'clearTimeout')
    await assert.rejects(withDeadline(Promise.reject(new Error('refused')), 60_000, 'seven'), /refused/)
    assert.equal(clear.mock.callCount(), 1)
})

it('says what was awaited when time is up', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
        const { promise } = Promise.withResolvers()
        const answer = withDeadline(promise, 500, 'ben: leaving')
        mock.timers.tick(500)
        await assert.rejects(answer, new DeadlineError('ben: leaving: no answer within 500 ms'))
    } finally {
        mock.timers.reset()
    }
})
