/** Messages that wait: for a network, for their author, for a place in the stream. */

import { expect, test } from 'vitest'
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

test('a message without a place in the stream waits until the place is taken', async () => {
    const bench = chatBench()
    bench.answer(async () => {
        throw new FakeRefusal('not_viewer', 403)
    })
    const { message, stored } = bench.chat.send('before the join is answered')
    bench.chat.send('and one more')
    await bench.clock.settle()
    expect(shown(bench)).toEqual(['before the join is answered pending', 'and one more pending'])
    bench.answer(async (name, args) => answered(bench.log, name, args))
    // What comes with the join, or the sync after it.
    bench.sync()
    expect(await stored).toMatchObject({ id: message.id, seq: 1 })
    await bench.clock.settle()
    expect(shown(bench)).toEqual(['before the join is answered sent', 'and one more sent'])
})
