/** Read marks: counted at once, sent in one call, and again after a failure. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countMissing, type Range, withRange } from '../../src/chat/ranges.ts'
import { StreamError } from '../../src/error/stream_error.ts'
import { chatBench } from './chat_bench.ts'

test('ranges hold what was put in them, however it comes', () => {
    const anyRange = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }))
    const property = fc.property(fc.array(anyRange), (puts) => {
        const held = new Set<number>()
        let ranges: readonly Range[] = []
        for (const [first, more] of puts) {
            for (let value = first; value <= first + more; value++) held.add(value)
            ranges = withRange(ranges, first, first + more)
        }
        expect(
            ranges.flatMap(([low, high]) => Array.from({ length: high - low + 1 }, (_, index) => low + index))
        ).toEqual([...held].sort((one, other) => one - other))
        for (const [index, [low]] of ranges.entries())
            if (index > 0) expect(low).toBeGreaterThan((ranges[index - 1]?.[1] ?? 0) + 1)
        const inside = [...held].filter((value) => value >= 10 && value <= 50).length
        expect(countMissing(ranges, 10, 50)).toBe(41 - inside)
    })
    fc.assert(property, { seed: 20260102, numRuns: 200 })
})

test('many marks of a second go as one call, and count at once', async () => {
    const bench = chatBench()
    bench.write(10)
    bench.sync()
    expect(bench.chat.snapshot.unreadCount).toBe(10)
    const marked = [bench.chat.markRead(['id-1', 'id-2']), bench.chat.markRead(['id-4']), bench.chat.markRead(['id-2'])]
    expect(bench.chat.snapshot.unreadCount).toBe(7)
    expect(bench.calls).toEqual([])
    await bench.clock.advance(1_000)
    await Promise.all(marked)
    expect(bench.calls).toMatchObject([
        { name: 'mark_messages_as_read', args: { message_ids: ['id-1', 'id-2', 'id-4'] } },
    ])
    bench.write(1)
    bench.frame(11, 11)
    expect(bench.chat.snapshot.unreadCount).toBe(8)
})

test('marking up to a number is one call with the highest, and more than a thousand ids are several', async () => {
    const bench = chatBench()
    bench.write(1_300)
    bench.sync()
    for (let seq = 1; seq <= 900; seq++) void bench.chat.markReadUpTo(seq)
    void bench.chat.markRead(Array.from({ length: 1_100 }, (_, index) => `id-${index + 201}`))
    await bench.clock.advance(1_000)
    expect(bench.calls.map(({ name }) => name)).toEqual([
        'mark_read_up_to',
        'mark_messages_as_read',
        'mark_messages_as_read',
    ])
    expect(bench.calls[0]?.args.seq).toBe(900)
    expect(bench.calls[1]?.args.message_ids).toHaveLength(1_000)
})

test('marks that the server wants later wait, also when the app goes to the background', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    let isRefused = true
    bench.answer(async () => {
        if (isRefused) throw new StreamError('rate_limited', 'slowly', { status: 429, retryAfterMs: 30_000 })
        return 0
    })
    const marked = bench.chat.markRead(['id-1'])
    await bench.clock.advance(1_000)
    expect(bench.calls).toHaveLength(1)
    bench.chat.pause()
    await bench.clock.advance(29_000)
    expect(bench.calls).toHaveLength(1)
    isRefused = false
    await bench.clock.advance(2_000)
    await marked
    expect(bench.calls).toHaveLength(2)
})

test('marks that could not be stored are sent again, with those that came meanwhile', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    let failures = 2
    bench.answer(async () => {
        if (failures-- > 0) throw new StreamError('unreachable', 'fetch failed')
        return 0
    })
    const marked = bench.chat.markRead(['id-1'])
    await bench.clock.advance(1_000)
    void bench.chat.markRead(['id-2'])
    await bench.clock.advance(60_000)
    await marked
    expect(bench.calls.at(-1)?.args.message_ids).toEqual(['id-1', 'id-2'])
    expect(bench.calls).toHaveLength(3)
    expect(bench.errors).toEqual([])
})

test('marks that the server refuses for a time are not sent before it has passed', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    let isBusy = true
    bench.answer(async () => {
        if (isBusy) throw new StreamError('rate_limited', 'later', { status: 429, retryAfterMs: 90_000 })
        return 0
    })
    const marked = bench.chat.markRead(['id-1'])
    await bench.clock.advance(90_000)
    void bench.chat.markRead(['id-2'])
    expect(bench.calls).toHaveLength(1)
    isBusy = false
    await bench.clock.advance(1_000)
    await marked
    expect(bench.calls).toHaveLength(2)
})

test('a refused mark is told, and not tried again', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.answer(async () => {
        throw new StreamError('cannot_view', 'not for you', { status: 403 })
    })
    const marked = bench.chat.markRead(['id-1'])
    const refused = expect(marked).rejects.toMatchObject({ code: 'cannot_view' })
    await bench.clock.advance(60_000)
    await refused
    expect(bench.calls).toHaveLength(1)
    expect(bench.errors).toEqual(['cannot_view'])
})

test('a sync does not take back what is marked here and not stored yet', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    void bench.chat.markRead(['id-1'])
    bench.log.mark(bench.chat.userId, 3, 4)
    bench.sync()
    expect(bench.chat.snapshot.unreadCount).toBe(2)
    void bench.chat.markReadUpTo(2)
    bench.sync()
    expect(bench.chat.snapshot.unreadCount).toBe(1)
})

test('marks go out at once when the app leaves, and the chat that ends waits for none', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    const marked = bench.chat.markRead(['id-1'])
    bench.chat.pause()
    await marked
    expect(bench.calls).toHaveLength(1)
    const late = bench.chat.markRead(['id-2'])
    const refused = expect(late).rejects.toMatchObject({ code: 'disposed' })
    bench.chat.dispose()
    await refused
    expect(bench.clock.pending).toBe(0)
})
