/** What a restart of the app finds of unsent messages, whatever became of them and however slow the storage is. */

import { expect, test } from 'vitest'
import { sleep } from '../../src/clock/sleep.ts'
import { FakeRefusal } from '../fake_server/fake_refusal.ts'
import { ServerTime } from '../fake_server/server_time.ts'
import { chatBench, MemoryStorage, shown } from './chat_bench.ts'

/** A storage whose steps take as long as the test says when they begin. */
class SlowStorage extends MemoryStorage {
    readonly #clock: ServerTime
    readMs = 0
    writeMs = 0

    constructor(clock: ServerTime) {
        super()
        this.#clock = clock
    }

    override async getItem(key: string): Promise<string | null> {
        await sleep(this.#clock, this.readMs)
        return super.getItem(key)
    }

    override async setItem(key: string, value: string): Promise<void> {
        await sleep(this.#clock, this.writeMs)
        return super.setItem(key, value)
    }
}

test('a refused message is failed after a restart too, and only the user sends it', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.sync()
    first.answer(async () => {
        throw new FakeRefusal('muted', 403)
    })
    const { message } = first.chat.send('hello')
    await first.clock.settle()
    first.chat.dispose()

    const second = chatBench({ storage, log: first.log, clock: first.clock })
    await second.chat.restore()
    second.sync()
    await second.clock.advance(60_000)
    expect(second.calls).toEqual([])
    expect(second.chat.snapshot.messages).toMatchObject([
        { id: message.id, status: 'failed', error: { code: 'muted' } },
    ])
    second.chat.retry(message.id)
    await second.clock.settle()
    expect(second.log.entries).toMatchObject([{ id: message.id, content: 'hello' }])
    expect(storage.texts.size).toBe(0)
})

test('a retry makes a failed message one that the next run sends', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.answer(async () => {
        throw new FakeRefusal('muted', 403)
    })
    const { message } = first.chat.send('hello')
    await first.clock.settle()
    first.answer(() => new Promise(() => {}))
    first.chat.retry(message.id)
    await first.clock.settle()
    first.chat.dispose()
    const second = chatBench({ storage, log: first.log, clock: first.clock })
    await second.chat.restore()
    await second.clock.settle()
    expect(second.log.entries).toMatchObject([{ id: message.id }])
})

test('a failed message whose reason this client does not know is failed all the same', async () => {
    const storage = new MemoryStorage()
    const first = chatBench({ storage })
    first.answer(() => new Promise(() => {}))
    first.chat.send('hello')
    await first.clock.settle()
    first.chat.dispose()
    const [[key, text] = ['', '']] = storage.texts
    storage.texts.set(key, JSON.stringify(JSON.parse(text).map((one: object) => ({ ...one, failed: 'of_tomorrow' }))))
    const second = chatBench({ storage, log: first.log, clock: first.clock })
    await second.chat.restore()
    expect(shown(second)).toEqual(['hello failed'])
    expect(second.calls).toEqual([])
})

test('a step of the storage that is late undoes none that came after it', async () => {
    const clock = new ServerTime()
    const storage = new SlowStorage(clock)
    const bench = chatBench({ storage, clock })
    bench.sync()
    storage.writeMs = 3_000
    const { stored } = bench.chat.send('hello')
    await clock.advance(2_500)
    // It was sent without the storage, whose first step goes on.
    expect(await stored).toMatchObject({ seq: 1 })
    expect(bench.errors).toEqual(['timed_out'])
    await clock.advance(10_000)
    expect(storage.texts.size).toBe(0)
})

test('what a slow storage had of an earlier run is sent when it comes', async () => {
    const clock = new ServerTime()
    const storage = new SlowStorage(clock)
    const first = chatBench({ storage, clock })
    first.answer(() => new Promise(() => {}))
    const { message } = first.chat.send('hello')
    await clock.advance(100)
    first.chat.dispose()
    // Ids of both runs are drawn from the same dice.
    for (const [key, text] of storage.texts) storage.texts.set(key, text.replace(message.id, 'of before'))

    storage.readMs = 6_000
    const second = chatBench({ storage, log: first.log, clock })
    second.sync()
    void second.chat.restore()
    const { stored } = second.chat.send('later')
    await clock.advance(5_000)
    expect(await stored).toMatchObject({ seq: 1 })
    await clock.advance(2_000)
    expect(shown(second)).toEqual(['later sent', 'hello sent'])
    storage.readMs = 0
    await clock.advance(20_000)
    expect(storage.texts.size).toBe(0)
})
