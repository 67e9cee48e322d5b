/** Messages on their way: shown at once, stored once, in their order, whatever is lost and over a restart. */

import { expect, test } from 'vitest'
import { MAX_UNSENT, RESEND_WITHIN_MS } from '../../src/chat/outbox.ts'
import { MAX_MISSED } from '../../src/chat/synchroniser.ts'
import { StreamError } from '../../src/error/stream_error.ts'
import { FakeRefusal } from '../fake_server/fake_refusal.ts'
import { answered, chatBench, MemoryStorage, shown } from './chat_bench.ts'

const lost = async () => {
    throw new StreamError('unreachable', 'fetch failed')
}

test('a message is pending, then sent, and stays one message when its frame comes', async () => {
    const bench = chatBench()
    bench.sync()
    const { message, stored } = bench.chat.send('hello')
    expect(shown(bench)).toEqual(['hello pending'])
    expect(await stored).toMatchObject({ id: message.id, seq: 1, status: 'sent' })
    expect(shown(bench)).toEqual(['hello sent'])
    bench.frame(1, 1)
    expect(shown(bench)).toEqual(['hello sent'])
    expect(bench.told).toEqual([1])
})

test('the frame may come before the answer', async () => {
    const bench = chatBench()
    bench.sync()
    let answer: () => void = () => {}
    bench.answer(async (name, args) => {
        const entry = answered(bench.log, name, args)
        await new Promise<void>((resolve) => {
            answer = resolve
        })
        return entry
    })
    const { stored } = bench.chat.send('hello')
    await bench.clock.settle()
    bench.frame(1, 1)
    expect(await stored).toMatchObject({ seq: 1, status: 'sent' })
    answer()
    await bench.clock.settle()
    expect(shown(bench)).toEqual(['hello sent'])
})

test('an answer that is ahead of the frames is shown behind the log until they come', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2)
    await bench.chat.send('hello').stored
    expect(shown(bench)).toEqual(['hello sent'])
    expect(bench.chat.snapshot).toMatchObject({ status: 'behind', lastSeq: 0, headSeq: 3 })
    bench.frame(1, 2)
    expect(shown(bench)).toEqual(['message 1 sent', 'message 2 sent', 'hello sent'])
    expect(bench.told).toEqual([1, 2, 3])
})

test('a lost answer is asked for again under the same id, and stored once', async () => {
    const bench = chatBench()
    bench.sync()
    let lostAnswers = 3
    bench.answer(async (name, args) => {
        const entry = answered(bench.log, name, args)
        return lostAnswers-- > 0 ? lost() : entry
    })
    const { stored } = bench.chat.send('hello')
    await bench.clock.advance(120_000)
    expect(await stored).toMatchObject({ seq: 1 })
    const ids = bench.calls.filter(({ name }) => name === 'send_message').map(({ args }) => args.id)
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(1)
    expect(bench.log.entries).toHaveLength(1)
})

test('messages reach the log in the order of writing, though the first one is held up', async () => {
    const bench = chatBench()
    bench.sync()
    let lostRequests = 2
    bench.answer(async (name, args) => (lostRequests-- > 0 ? lost() : answered(bench.log, name, args)))
    for (const content of ['one', 'two', 'three']) bench.chat.send(content)
    await bench.clock.advance(120_000)
    expect(bench.log.entries.map(({ content }) => content)).toEqual(['one', 'two', 'three'])
})

test('a refusal fails the message, and the next one goes; a retry has the same id', async () => {
    const bench = chatBench()
    bench.sync()
    bench.answer(async (name, args) => {
        if (args.content === 'bad') throw new FakeRefusal('content_blocked', 422)
        return answered(bench.log, name, args)
    })
    const { message, stored } = bench.chat.send('bad')
    bench.chat.send('good')
    await expect(stored).rejects.toMatchObject({ code: 'content_blocked' })
    await bench.clock.settle()
    expect(shown(bench)).toEqual(['good sent', 'bad failed'])
    expect(bench.chat.snapshot.messages.at(-1)?.error?.code).toBe('content_blocked')
    bench.answer(async (name, args) => answered(bench.log, name, args))
    bench.chat.retry(message.id)
    expect(shown(bench)).toEqual(['good sent', 'bad pending'])
    await bench.clock.settle()
    expect(bench.log.entries.at(-1)).toMatchObject({ id: message.id, content: 'bad' })
})

test('a failed message can be discarded, one on its way cannot', async () => {
    const bench = chatBench()
    bench.sync()
    bench.answer(lost)
    const { message } = bench.chat.send('hello')
    await bench.clock.settle()
    expect(bench.chat.discard(message.id)).toBe(false)
    await bench.clock.advance(RESEND_WITHIN_MS + 60_000)
    expect(shown(bench)).toEqual(['hello failed'])
    expect(bench.chat.snapshot.messages[0]?.error?.code).toBe('send_expired')
    expect(bench.chat.discard(message.id)).toBe(true)
    expect(shown(bench)).toEqual([])
})

test('at most thirty messages wait', async () => {
    const bench = chatBench()
    bench.answer(lost)
    for (let no = 0; no < MAX_UNSENT; no++) bench.chat.send(`${no}`)
    expect(() => bench.chat.send('one more')).toThrow(expect.objectContaining({ code: 'outbox_full' }))
    expect(bench.chat.snapshot.messages).toHaveLength(MAX_UNSENT)
})

test('a restart of the app sends what was not answered, under the same id', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.sync()
    // Stored, but the answer never came.
    first.answer(async (name, args) => {
        answered(first.log, name, args)
        return lost()
    })
    const { message } = first.chat.send('hello')
    await first.clock.settle()
    first.chat.dispose()
    expect([...storage.texts.values()].join()).toContain(message.id)

    const second = chatBench({ storage, log: first.log, clock: first.clock })
    await second.chat.restore()
    expect(shown(second)).toEqual(['hello pending'])
    await second.clock.settle()
    second.sync()
    expect(shown(second)).toEqual(['hello sent'])
    expect(second.log.entries).toMatchObject([{ id: message.id }])
    expect(second.calls.map(({ args }) => args.id)).toEqual([message.id])
    await second.clock.settle()
    expect(storage.texts.size).toBe(0)
})

test('a message of an hour ago is not sent by itself, and the user may', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.answer(lost)
    first.chat.send('going once?')
    await first.clock.settle()
    first.chat.dispose()
    await first.clock.advance(3_600_000)
    const second = chatBench({ storage, log: first.log, clock: first.clock })
    await second.chat.restore()
    await second.clock.advance(1_000)
    expect(shown(second)).toEqual(['going once? failed'])
    expect(second.calls).toEqual([])
    second.chat.retry(second.chat.snapshot.messages[0]?.id ?? '')
    await second.clock.settle()
    expect(second.log.entries).toHaveLength(1)
})

test('the storage has the message before it is sent, and one that hangs or fails holds nothing up', async () => {
    const order: string[] = []
    const storage = new MemoryStorage()
    const bench = chatBench({
        storage: {
            getItem: (key) => storage.getItem(key),
            removeItem: (key) => storage.removeItem(key),
            async setItem(key, value) {
                await Promise.resolve()
                order.push('kept')
                return storage.setItem(key, value)
            },
        },
    })
    bench.answer(async (name, args) => {
        order.push('sent')
        return answered(bench.log, name, args)
    })
    await bench.chat.send('hello').stored
    expect(order).toEqual(['kept', 'sent'])

    const never = new Promise<never>(() => {})
    const hanging = chatBench({ storage: { getItem: () => never, setItem: () => never, removeItem: () => never } })
    const { stored } = hanging.chat.send('hello')
    await hanging.clock.advance(2_000)
    expect(await stored).toMatchObject({ seq: 1 })
    expect(hanging.errors).toEqual(['timed_out'])

    const broken = async () => {
        throw new Error('quota exceeded')
    }
    const failing = chatBench({ storage: { getItem: broken, setItem: broken, removeItem: broken } })
    expect(await failing.chat.send('hello').stored).toMatchObject({ seq: 1 })
})

test('what is kept of other tabs, other users and by others survives', async () => {
    const storage = new MemoryStorage()
    const bench = chatBench({ storage })
    bench.answer(lost)
    bench.chat.send('one')
    await bench.clock.settle()
    const [key = ''] = storage.texts.keys()
    expect(key).toContain(bench.chat.userId)
    const other = { id: 'of another tab', content: 'two', createdAt: bench.clock.now() }
    storage.texts.set(key, JSON.stringify([...JSON.parse(storage.texts.get(key) ?? '[]'), other]))
    bench.answer(async (name, args) => answered(bench.log, name, args))
    await bench.clock.advance(60_000)
    expect(JSON.parse(storage.texts.get(key) ?? '')).toEqual([other])
    storage.texts.set(key, 'no JSON')
    const next = chatBench({ storage })
    await next.chat.restore()
    expect(next.chat.snapshot.messages).toEqual([])
})

test('a message that another database has lost is sent to it again', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(1)
    await bench.chat.send('hello').stored
    bench.log.failOver('epoch-2', 1)
    bench.sync()
    await bench.clock.settle()
    expect(bench.log.entries.map(({ content }) => content)).toEqual(['message 1', 'hello'])
})

test('an answer is forgotten once the log has passed it, though it never showed it', async () => {
    const bench = chatBench()
    bench.sync()
    bench.write(2)
    await bench.chat.send('hello').stored
    bench.write(MAX_MISSED)
    bench.sync()
    expect(bench.discontinuities).toMatchObject([{ reason: 'too_far_behind' }])
    expect(shown(bench)).not.toContain('hello sent')
    expect(bench.chat.snapshot.messages).toHaveLength(50)
})

test('a restart does not show twice what the log has by then', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.sync()
    first.answer(async (name, args) => {
        answered(first.log, name, args)
        return lost()
    })
    first.chat.send('hello')
    await first.clock.settle()
    first.chat.dispose()
    const second = chatBench({ storage, log: first.log, clock: first.clock })
    second.sync()
    await second.chat.restore()
    await second.clock.settle()
    expect(shown(second)).toEqual(['hello sent'])
})
