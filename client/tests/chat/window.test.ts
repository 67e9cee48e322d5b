/** The window: 500 entries and 30 more before it is cut, and history that is read backwards. */

import { expect, test } from 'vitest'
import { HISTORY_WINDOW, WINDOW, WINDOW_SLACK } from '../../src/chat/log.ts'
import { chatBench } from './chat_bench.ts'

test('the window never holds more than 530 entries, and never fewer than the newest 500', () => {
    const bench = chatBench()
    bench.sync()
    const lengths = new Set<number>()
    for (let no = 1; no <= 1_200; no++) {
        bench.write(1)
        bench.frame(no, no)
        const { messages } = bench.chat.snapshot
        lengths.add(messages.length)
        expect(messages.at(-1)?.seq).toBe(no)
        if (no > WINDOW) expect(messages.length).toBeGreaterThanOrEqual(WINDOW)
    }
    expect(Math.max(...lengths)).toBe(WINDOW + WINDOW_SLACK)
    // Cut in steps: most messages copy nothing away.
    expect(lengths.has(WINDOW)).toBe(true)
})

test('a sync of a thousand entries is cut too', () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2_345)
    bench.sync()
    expect(bench.chat.snapshot.messages).toHaveLength(WINDOW)
    expect(bench.told).toHaveLength(2_345)
})

test('history is read backwards without a hole, up to its own bound, and given back', async () => {
    const bench = chatBench()
    bench.write(3_000)
    bench.sync()
    expect(bench.chat.snapshot).toMatchObject({ hasOlder: true })
    let pages = 0
    while (await bench.chat.loadOlder()) pages++
    const { messages } = bench.chat.snapshot
    expect(messages).toHaveLength(HISTORY_WINDOW)
    expect(pages).toBe((HISTORY_WINDOW - 50) / 50)
    expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: HISTORY_WINDOW }, (_, index) => 1_001 + index))
    bench.chat.showNewest()
    expect(bench.chat.snapshot.messages).toHaveLength(WINDOW)
})

test('reading history ends at the oldest entry that is kept', async () => {
    const bench = chatBench()
    bench.write(70)
    bench.log.retain(5)
    bench.sync()
    expect(await bench.chat.loadOlder()).toBe(true)
    expect(bench.chat.snapshot.messages[0]?.seq).toBe(5)
    expect(bench.chat.snapshot.hasOlder).toBe(false)
    expect(await bench.chat.loadOlder()).toBe(false)
    expect(bench.calls).toHaveLength(1)
})

test('two wishes for older messages are one call, and one that fails changes nothing', async () => {
    const bench = chatBench()
    bench.write(200)
    bench.sync()
    await Promise.all([bench.chat.loadOlder(), bench.chat.loadOlder()])
    expect(bench.calls).toHaveLength(1)
    bench.answer(async () => {
        throw new Error('away')
    })
    await expect(bench.chat.loadOlder()).rejects.toThrow('away')
    expect(bench.chat.snapshot.messages).toHaveLength(100)
})

test('a snapshot is the same object until something changes, and never changes itself', () => {
    const bench = chatBench()
    bench.write(2)
    bench.sync()
    const before = bench.chat.snapshot
    expect(bench.chat.snapshot).toBe(before)
    bench.write(1)
    bench.frame(3, 3)
    expect(bench.chat.snapshot).not.toBe(before)
    expect(before.messages).toHaveLength(2)
})
