/** The head of a log whose frames ask for polling. */

import { expect, test } from 'vitest'
import { chatBench } from './chat_bench.ts'

test('while a frame has asked for polling, the head is left to it', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2)
    bench.frame(1, 1, { poll_ms: 20_000 })
    bench.chat.observeHead(2, bench.log.epoch)
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
    // No polls are made that long after a frame.
    await bench.clock.advance(6_000)
    bench.chat.observeHead(2, bench.log.epoch)
    await bench.clock.advance(6_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    bench.frame(2, 2, { poll_ms: null })
    bench.write(1)
    bench.chat.observeHead(3, bench.log.epoch)
    await bench.clock.advance(60_000)
    expect(bench.asked).toHaveLength(2)
})
