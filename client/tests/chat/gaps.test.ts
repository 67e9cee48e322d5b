/** What is missing is found between frames, at the head and by epoch, and asked for once. */

import { expect, test } from 'vitest'
import { MAX_MISSED } from '../../src/chat/synchroniser.ts'
import { chatBench } from './chat_bench.ts'

const seqs = (bench: ReturnType<typeof chatBench>) => bench.chat.snapshot.messages.map(({ seq }) => seq)

test('frames before the first sync are held, and follow it', () => {
    const bench = chatBench()
    bench.write(3)
    bench.frame(2, 3)
    expect(bench.chat.snapshot).toMatchObject({ status: 'idle', messages: [] })
    bench.write(1)
    bench.chat.apply({ ...bench.log.sync('', null, null), messages: bench.log.entries.slice(0, 1), head_seq: 1 })
    expect(bench.told).toEqual([1, 2, 3])
})

test('an early frame is held until the late one comes, and no sync is made', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(3)
    bench.frame(3, 3)
    expect(bench.chat.snapshot.status).toBe('behind')
    await bench.clock.advance(90)
    bench.frame(1, 2)
    expect(bench.told).toEqual([1, 2, 3])
    expect(bench.chat.snapshot.status).toBe('live')
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
})

test('a gap between frames is asked for once, between 100 and 500 ms later', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(9)
    bench.frame(1, 2)
    bench.frame(4, 5)
    bench.frame(7, 9)
    await bench.clock.advance(60_000)
    expect(bench.asked).toHaveLength(1)
    expect(bench.asked[0]).toBeGreaterThanOrEqual(100)
    expect(bench.asked[0]).toBeLessThanOrEqual(500)
    bench.sync()
    expect(bench.told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('clients that miss the same frame ask at different moments', async () => {
    const moments = new Set<number>()
    for (let client = 0; client < 20; client++) {
        const bench = chatBench()
        for (let skipped = 0; skipped < client; skipped++) bench.chat.send(`${skipped}`).stored.catch(() => {})
        bench.sync()
        bench.write(40)
        bench.frame(39, 40)
        await bench.clock.advance(4_000)
        moments.add(bench.asked[0] ?? 0)
    }
    expect(moments.size).toBeGreaterThan(10)
})

test('a doubled frame and one that repeats what is held change nothing', () => {
    const bench = chatBench()
    bench.sync()
    bench.write(4)
    bench.frame(1, 2)
    bench.frame(1, 2)
    bench.frame(2, 4)
    bench.frame(1, 4)
    expect(bench.told).toEqual([1, 2, 3, 4])
    expect(seqs(bench)).toEqual([1, 2, 3, 4])
})

test('a head that a heartbeat names is given the longest window of frames, then asked for', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2)
    bench.chat.observeHead(2, bench.log.epoch)
    expect(bench.chat.snapshot.status).toBe('behind')
    await bench.clock.advance(4_900)
    expect(bench.asked).toEqual([])
    await bench.clock.advance(1_200)
    expect(bench.asked).toHaveLength(1)
})

test('frames that come within that window save the sync, whatever the head is by then', async () => {
    const bench = chatBench()
    bench.sync()
    for (let second = 0; second < 20; second++) {
        bench.write(1)
        bench.chat.observeHead(bench.log.headSeq, bench.log.epoch)
        await bench.clock.advance(1_000)
        bench.frame(second + 1, second + 1)
    }
    expect(bench.asked).toEqual([])
    expect(bench.chat.snapshot.status).toBe('live')
})

test('another epoch is asked for; a late frame of the epoch before it is not', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    const late = bench.log.frame(5, 5)
    bench.log.failOver('epoch-2', 3)
    bench.write(3)
    bench.frame(4, 6)
    await bench.clock.advance(2_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    expect(bench.discontinuities).toEqual([{ reason: 'epoch', lastSeq: 5, resumesAtSeq: 1 }])
    expect(bench.chat.snapshot).toMatchObject({ recovered: false, lastSeq: 6, discontinuity: { reason: 'epoch' } })
    bench.chat.takeFrame(late)
    await bench.clock.advance(60_000)
    expect(bench.asked).toHaveLength(1)
    expect(bench.chat.snapshot.messages.at(4)?.content).toBe('message 7')
})

test('frames of the new epoch that came before its sync are not asked for again', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.log.failOver('epoch-2', 4)
    const page = bench.log.sync('', 5, 'epoch-1')
    bench.write(2)
    bench.frame(5, 6)
    bench.chat.apply(page)
    expect(seqs(bench)).toEqual([1, 2, 3, 4, 5, 6])
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
})

test('a log that became shorter under the same name is found by the second heartbeat', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.chat.observeHead(5, bench.log.epoch)
    bench.log.entries.length = 3
    bench.chat.observeHead(3, bench.log.epoch)
    await bench.clock.advance(3_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    expect(bench.discontinuities).toMatchObject([{ reason: 'log_shortened', lastSeq: 5 }])
    expect(seqs(bench)).toEqual([1, 2, 3])
})

test('early entries of a log that is gone are not taken for those of the next one', () => {
    const shortened = chatBench()
    shortened.write(5)
    shortened.sync()
    shortened.write(2)
    shortened.frame(7, 7)
    shortened.log.entries.length = 3
    shortened.sync()
    shortened.write(3)
    shortened.frame(4, 6)
    expect(shortened.chat.snapshot).toMatchObject({ status: 'live', lastSeq: 6 })

    const other = chatBench()
    other.write(5)
    other.sync()
    other.write(2)
    other.frame(7, 7)
    other.log.failOver('epoch-2', 6)
    const page = other.log.sync('', 5, 'epoch-1')
    other.write(3)
    other.frame(9, 9)
    other.chat.apply(page)
    other.frame(7, 8)
    expect(other.chat.snapshot.messages.map(({ content }) => content).slice(-4)).toEqual([
        'message 6',
        'message 8',
        'message 9',
        'message 10',
    ])
})

test('an answer to a heartbeat that frames have overtaken is no shorter log', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.chat.observeHead(5, bench.log.epoch)
    bench.write(2)
    bench.frame(6, 7)
    bench.chat.observeHead(6, bench.log.epoch)
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
})

test('a digest is fetched, in as many pages as it takes', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2_500)
    bench.frame(1, 2_500, { messages: [], digest: true })
    await bench.clock.advance(2_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    expect(bench.told).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1))
    expect(bench.chat.snapshot).toMatchObject({ status: 'live', recovered: true, discontinuity: null })
})

test('who missed too much begins anew with the newest page, and is told so', () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.write(MAX_MISSED + 1)
    bench.sync()
    const resumesAtSeq = bench.log.headSeq - 49
    expect(bench.discontinuities).toEqual([{ reason: 'too_far_behind', lastSeq: 5, resumesAtSeq }])
    expect(bench.told.slice(5)).toEqual(Array.from({ length: 50 }, (_, index) => resumesAtSeq + index))
})

test('entries that retention took are no loss', () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.write(20)
    bench.log.retain(15)
    bench.sync()
    expect(bench.told).toEqual([1, 2, 3, 4, 5, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25])
    expect(bench.discontinuities).toEqual([])
})

test('a newest page that does not continue what is held is not taken', async () => {
    const bench = chatBench()
    bench.write(5)
    bench.sync()
    bench.write(100)
    bench.chat.apply(bench.log.sync('', null, null))
    expect(bench.told).toEqual([1, 2, 3, 4, 5])
    await bench.clock.advance(3_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    expect(bench.told).toHaveLength(105)
})

test('without a connection nothing is asked for; the sync of the next one brings it', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(4)
    bench.frame(4, 4)
    bench.chat.suspend()
    expect(bench.chat.snapshot.status).toBe('suspended')
    bench.frame(3, 3)
    bench.chat.observeHead(4, bench.log.epoch)
    bench.chat.takeFrame('no frame')
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
    bench.sync()
    expect(bench.told).toEqual([1, 2, 3, 4])
    await bench.clock.advance(60_000)
    expect(bench.asked).toEqual([])
})

test('what is no frame is asked for, and breaks nothing', async () => {
    const bench = chatBench()
    bench.sync()
    for (const payload of [null, 'text', {}, { ...bench.log.frame(1, 1), messages: [null] }])
        bench.chat.takeFrame(payload)
    bench.write(3)
    bench.chat.takeFrame({ ...bench.log.frame(1, 1), session_id: 'another' })
    expect(bench.told).toEqual([])
    await bench.clock.advance(60_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    // Done: a gap that closes by itself asks for nothing.
    bench.write(2)
    bench.frame(5, 5)
    bench.frame(4, 4)
    await bench.clock.advance(60_000)
    expect(bench.asked).toHaveLength(1)
})

test('a frame that lacks entries between its ends is completed', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(3)
    const frame = bench.log.frame(1, 3)
    bench.chat.takeFrame({ ...frame, messages: frame.messages.filter(({ seq }) => seq !== 2) })
    expect(bench.told).toEqual([1])
    await bench.clock.advance(1_000)
    expect(bench.asked).toHaveLength(1)
    bench.sync()
    expect(bench.told).toEqual([1, 2, 3])
})
