/** Deletions, pins, modes and restrictions are applied, and end when they end. */

import { expect, test } from 'vitest'
import { FakeRefusal } from '../fake_server/fake_refusal.ts'
import { ADA, SELLER } from '../fake_server/scenario.ts'
import { answered, type ChatBench, chatBench } from './chat_bench.ts'

const contents = ({ chat }: ChatBench) => chat.snapshot.messages.map(({ content }) => content)
const said = 'Something happened.'

test('a deleted message loses its text and keeps its place', () => {
    const bench = chatBench()
    bench.write(3)
    bench.sync()
    bench.log.delete(2)
    bench.frame(4, 4)
    expect(contents(bench)).toEqual(['message 1', '', 'message 3', said])
    expect(bench.chat.snapshot.messages[1]?.deletedAt).toBeInstanceOf(Date)
    expect(bench.chat.snapshot.messages[0]?.deletedAt).toBeNull()
})

test('the messages of a user go up to the number that is named', () => {
    const bench = chatBench()
    bench.write(2)
    bench.log.send(ADA, 'of ada', 'id-ada')
    bench.sync()
    bench.log.deleteUser(SELLER)
    bench.write(1)
    bench.frame(4, 5)
    expect(contents(bench)).toEqual(['', '', 'of ada', said, 'message 3'])
})

test('a deletion of before does not reach what the user wrote after it, in history neither', async () => {
    const bench = chatBench()
    bench.write(2)
    bench.sync()
    bench.log.deleteUser(SELLER)
    bench.frame(3, 3)
    bench.write(600)
    bench.sync()
    while (bench.chat.snapshot.hasOlder) await bench.chat.loadOlder()
    const texts = contents(bench)
    expect(texts.slice(0, 4)).toEqual(['', '', said, 'message 3'])
    expect(texts.filter((text) => text === '')).toHaveLength(2)
})

test('an erased user loses text and name', () => {
    const bench = chatBench()
    bench.write(4)
    bench.sync()
    bench.log.system({
        kind: 'messages_deleted',
        seqs: [
            [1, 2],
            [4, 4],
        ],
    })
    bench.frame(5, 5)
    const names = bench.chat.snapshot.messages.map(({ username, userId }) => [username, userId])
    expect(contents(bench)).toEqual(['', '', 'message 3', '', said])
    expect(names[0]).toEqual([null, null])
    expect(names[2]?.[0]).not.toBeNull()
})

test('a late frame does not bring a deleted text back, and a page read before the deletion neither', async () => {
    const bench = chatBench()
    bench.write(60)
    const early = bench.log.frame(55, 60)
    bench.sync()
    bench.answer(async (name, args) => {
        const page = answered(bench.log, name, args)
        // Deleted while the page is on its way.
        bench.log.delete(5)
        bench.frame(61, 61)
        return page
    })
    await bench.chat.loadOlder()
    expect(bench.chat.snapshot.messages.find(({ seq }) => seq === 5)?.content).toBe('')
    bench.log.delete(57)
    bench.frame(62, 62)
    bench.chat.takeFrame(early)
    expect(bench.chat.snapshot.messages.find(({ seq }) => seq === 57)?.content).toBe('')
})

test('a text that is deleted in a later answer is deleted here', () => {
    const bench = chatBench()
    bench.write(3)
    bench.sync()
    bench.log.delete(2)
    // The announcement was not seen, a frame that repeats the entry is.
    bench.frame(1, 3)
    expect(contents(bench)).toEqual(['message 1', '', 'message 3'])
})

test('pins follow the log; one that is not held is fetched by its number', async () => {
    const bench = chatBench()
    bench.write(100)
    bench.sync()
    bench.log.pin(99)
    bench.frame(101, 101)
    expect(bench.chat.snapshot).toMatchObject({ pinnedSeq: 99, pinned: { content: 'message 99' } })
    bench.log.pin(3)
    bench.frame(102, 102)
    expect(bench.chat.snapshot).toMatchObject({ pinnedSeq: 3, pinned: null })
    await bench.clock.settle()
    expect(bench.chat.snapshot.pinned?.content).toBe('message 3')
    bench.log.pinnedSeq = null
    bench.log.system({ kind: 'message_unpinned', target_seq: 3, target_id: 'id-3' })
    bench.frame(103, 103)
    expect(bench.chat.snapshot).toMatchObject({ pinnedSeq: null, pinned: null })
})

test('modes and restrictions of the log are applied once, those that a sync covers not again', () => {
    const bench = chatBench()
    bench.sync()
    bench.log.system({ kind: 'slow_mode', slow_mode_ms: 5_000 })
    bench.log.system({ kind: 'chat_mode', chat_mode: 'hosts' })
    bench.log.restrict(ADA, { kind: 'mute', until: null, reason: null })
    bench.log.restrict(SELLER, { kind: 'ban', until: null, reason: null })
    const frame = bench.log.frame(1, 4)
    bench.chat.takeFrame(frame)
    expect(bench.chat.snapshot).toMatchObject({
        slowModeMs: 5_000,
        chatMode: 'hosts',
        restrictions: [{ kind: 'mute', until: null }],
    })
    bench.log.lift(ADA, 'mute')
    bench.log.chatMode = 'viewers'
    const again = chatBench({ log: bench.log, clock: bench.clock })
    again.sync()
    expect(again.chat.snapshot).toMatchObject({ chatMode: 'viewers', slowModeMs: 0, restrictions: [] })
})

test('a sync that frames have overtaken does not set the chat back', async () => {
    const bench = chatBench()
    bench.write(2)
    bench.sync()
    const late = bench.log.sync(ADA, 2, bench.log.epoch)
    bench.log.pin(1)
    bench.log.system({ kind: 'slow_mode', slow_mode_ms: 5_000 })
    bench.log.restrict(ADA, { kind: 'mute', until: null, reason: null })
    bench.frame(3, 5)
    bench.chat.apply(late)
    expect(bench.chat.snapshot).toMatchObject({
        pinnedSeq: 1,
        pinned: { content: 'message 1' },
        slowModeMs: 5_000,
        restrictions: [{ kind: 'mute' }],
    })
    // One of a log that became shorter is no late one.
    bench.log.entries.length = 1
    bench.log.pinnedSeq = null
    bench.sync()
    expect(bench.chat.snapshot).toMatchObject({ pinnedSeq: null, slowModeMs: 0, lastSeq: 1 })
})

test('a mute ends by itself, by the clock of the server', async () => {
    const bench = chatBench()
    bench.sync()
    const until = new Date(bench.clock.now() + 60_000).toISOString()
    bench.log.restrict(ADA, { kind: 'mute', until, reason: null })
    bench.frame(1, 1)
    await bench.clock.advance(59_999)
    expect(bench.chat.snapshot.restrictions).toHaveLength(1)
    await bench.clock.advance(1)
    expect(bench.chat.snapshot.restrictions).toEqual([])
    expect(bench.clock.pending).toBe(0)
})

test('the user hears of a restriction before the log, and a late event changes nothing', async () => {
    const bench = chatBench()
    bench.sync()
    const event = (isInForce: boolean) => ({
        session_id: bench.chat.sessionId,
        restriction: 'mute' as const,
        is_in_force: isInForce,
        until: null,
        server_time: bench.log.serverTime(),
    })
    await bench.clock.advance(1_000)
    const muted = event(true)
    bench.chat.takeRestriction(muted)
    expect(bench.chat.snapshot.restrictions).toHaveLength(1)
    await bench.clock.advance(1_000)
    bench.chat.takeRestriction(event(false))
    bench.chat.takeRestriction(muted)
    bench.chat.takeRestriction({ ...event(true), session_id: 'another' })
    expect(bench.chat.snapshot.restrictions).toEqual([])
})

test('a decision that a sync was too early for is taken from the log, whatever its time says', async () => {
    const bench = chatBench()
    // Decided before the sync and committed after it: the log has it behind the head of the sync.
    bench.log.restrict(ADA, { kind: 'mute', until: null, reason: null })
    const mute = bench.log.frame(1, 1)
    bench.log.entries = []
    bench.log.restrictions.clear()
    await bench.clock.advance(1_000)
    bench.sync()
    bench.chat.takeFrame(mute)
    expect(bench.chat.snapshot.restrictions).toHaveLength(1)
})

test('slow mode and a refusal for the rate show how long to wait', async () => {
    const bench = chatBench()
    bench.log.slowModeMs = 10_000
    bench.sync()
    await bench.chat.send('one').stored
    const wait = () => (bench.chat.snapshot.cooldownUntil?.getTime() ?? 0) - bench.clock.now()
    expect(wait()).toBe(10_000)
    await bench.clock.advance(10_000)
    expect(bench.chat.snapshot.cooldownUntil).toBeNull()
    bench.answer(async () => {
        throw new FakeRefusal('rate_limited', 429, 3_000)
    })
    await expect(bench.chat.send('two').stored).rejects.toMatchObject({ code: 'rate_limited' })
    expect(wait()).toBe(3_000)
})
