/** Messages that wait: for a network, for their author, for a place in the stream. */

import { expect, test } from 'vitest'
import { StreamError } from '../../src/error/stream_error.ts'
import { FakeRefusal } from '../fake_server/fake_refusal.ts'
import { answered, chatBench, MemoryStorage, shown } from './chat_bench.ts'

test('without a network nothing is tried until the next sync is answered', async () => {
    const bench = chatBench()
    bench.sync()
    bench.chat.pause()
    const { stored } = bench.chat.send('hello')
    await bench.clock.advance(60_000)
    expect(bench.calls).toEqual([])
    bench.sync()
    expect(await stored).toMatchObject({ seq: 1 })
})

test('a message that another user would send waits for its author, through a restart too', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.sync()
    first.answer(async () => {
        throw new FakeRefusal('not_self', 403)
    })
    const { message } = first.chat.send('mine')
    first.chat.send('mine too')
    await first.clock.advance(60_000)
    expect(first.calls).toHaveLength(1)
    expect(shown(first)).toEqual(['mine pending', 'mine too pending'])
    first.chat.dispose()

    const second = chatBench({ storage, log: first.log, clock: first.clock })
    await second.chat.restore()
    await second.clock.advance(1_000)
    second.sync()
    expect(shown(second)).toEqual(['mine sent', 'mine too sent'])
    expect(second.log.entries[0]?.id).toBe(message.id)
})

const refused = async () => {
    throw new FakeRefusal('not_viewer', 403)
}

test('a message without a place in the stream waits until the place is taken', async () => {
    const bench = chatBench()
    bench.answer(refused)
    const { message, stored } = bench.chat.send('before the join is answered')
    bench.chat.send('and one more')
    await bench.clock.advance(60_000)
    expect(shown(bench)).toEqual(['before the join is answered pending', 'and one more pending'])
    // The connection knows, and nothing is asked again until it has a place.
    expect([bench.placesLost, bench.calls.length]).toEqual([1, 1])
    bench.answer(async (name, args) => answered(bench.log, name, args))
    // What comes with the join, or the sync after it.
    bench.sync()
    expect(await stored).toMatchObject({ id: message.id, seq: 1 })
    await bench.clock.settle()
    expect(shown(bench)).toEqual(['before the join is answered sent', 'and one more sent'])
})

test('where no place will be taken a message fails at once, and one that waits when the connection ends', async () => {
    const bench = chatBench()
    bench.sync()
    bench.answer(refused)
    const waiting = bench.chat.send('while the connection is lost')
    await bench.clock.settle()
    expect(shown(bench)).toEqual(['while the connection is lost pending'])
    bench.isOpen = false
    bench.chat.fail(new StreamError('cannot_view', undefined, { status: 403 }))
    await expect(waiting.stored).rejects.toMatchObject({ code: 'not_viewer' })
    await expect(bench.chat.send('after its end').stored).rejects.toMatchObject({ code: 'not_viewer' })
    expect(shown(bench)).toEqual(['while the connection is lost failed', 'after its end failed'])
})

test('a message that waits for a place can be discarded, since it is not stored', async () => {
    const bench = chatBench()
    bench.answer(refused)
    const { message, stored } = bench.chat.send('typed twice')
    await bench.clock.settle()
    expect(bench.chat.discard(message.id)).toBe(true)
    await expect(stored).rejects.toMatchObject({ code: 'aborted' })
    bench.answer(async (name, args) => answered(bench.log, name, args))
    bench.sync()
    await bench.clock.advance(60_000)
    expect(bench.log.entries).toEqual([])
})
