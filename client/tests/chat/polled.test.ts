/** The head of a log whose connection polls. */

import { expect, test } from 'vitest'
import { chatBench } from './chat_bench.ts'

test('while the connection polls, the head is left to it', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2)
    bench.isPolled = true
    bench.frame(1, 1)
    bench.chat.observeHead(2, bench.log.epoch)
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
    bench.isPolled = false
    bench.chat.observeHead(2, bench.log.epoch)
    await bench.clock.advance(6_000)
    expect(bench.asked).toHaveLength(1)
})

test('a gap is closed though the connection polls', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2)
    bench.isPolled = true
    bench.frame(2, 2)
    await bench.clock.advance(500)
    expect(bench.asked).toHaveLength(1)
})
