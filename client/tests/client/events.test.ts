/** Events that the server sends beside state and chat: resync, an expiring token, reactions, an interval of polling. */

import { beforeEach, expect, test } from 'vitest'
import { ADA, Scenario, SESSION } from '../fake_server/scenario.ts'

let scenario: Scenario

beforeEach(async () => {
    scenario = new Scenario(1)
    await scenario.connect()
    await scenario.server.clock.advance(1_000)
})

test('resync brings what was never sent, with one sync', async () => {
    const { server, chat, log } = scenario
    scenario.say()
    const syncs = () => server.calls.filter(({ name }) => name === 'sync').length
    const before = syncs()
    server.broadcast(`stream:${SESSION}`, 'resync', { session_id: SESSION, reason: 'no_partition' })
    server.broadcast(`chat:${SESSION}`, 'resync', { session_id: SESSION, reason: 'no_partition' })
    server.broadcast(`stream:${SESSION}`, 'resync', { session_id: 'another', reason: 'no_partition' })
    await server.clock.advance(3_000)
    expect(chat.cursor().afterSeq).toBe(log.headSeq)
    expect(syncs() - before).toBe(1)
})

test('a token that expires is asked for by a heartbeat at once', async () => {
    const { server } = scenario
    const before = server.calls.filter(({ name }) => name === 'heartbeat').length
    const event = { session_id: SESSION, expires_at: 'soon', server_time: 'now' }
    server.broadcast(`user:${ADA}`, 'token_expiring', event)
    await server.clock.advance(500)
    expect(server.calls.filter(({ name }) => name === 'heartbeat').length - before).toBe(1)
})

test('reactions are totals: the newest counts, a late one does not', async () => {
    const { server, connection } = scenario
    const at = (seconds: number) => new Date(server.clock.now() + 1_000 * seconds).toISOString()
    const event = (total: number, time: string) => ({
        session_id: SESSION,
        reactions: [{ kind: 'heart', total, added: 1 }],
        server_time: time,
    })
    const [early, late] = [at(1), at(2)]
    expect(connection.store.snapshot.reactions).toEqual([])
    server.broadcast(`viewers:${SESSION}`, 'reactions', event(5, late))
    await server.clock.advance(100)
    server.broadcast(`viewers:${SESSION}`, 'reactions', event(4, early))
    await server.clock.advance(100)
    expect(connection.store.snapshot.reactions).toEqual([{ kind: 'heart', total: 5, added: 1 }])
})

test('a reaction is answered, and one beyond the rate is no error and not sent again', async () => {
    const { server, ada } = scenario
    const answers = ['heart', 'one too many'].map((kind) => ada.client.stream.sendReaction(SESSION, kind))
    await server.clock.advance(1_000)
    expect(await Promise.all(answers)).toEqual([
        { accepted: true, retryAfterMs: null },
        { accepted: false, retryAfterMs: 900 },
    ])
    expect(server.calls.filter(({ name }) => name === 'send_reaction')).toHaveLength(2)
})

test('poll_ms of a frame is obeyed until a frame takes it back', async () => {
    const { server, chat, log, connection } = scenario
    scenario.say()
    log.pollMs = 10_000
    server.broadcast(`chat:${SESSION}`, 'messages', log.frame(2, 2))
    const runs = () => server.calls.filter(({ name }) => name === 'sync').length
    const before = runs()
    await server.clock.advance(1_000)
    for (let no = 0; no < 5; no++) scenario.say()
    await server.clock.advance(60_000)
    expect(chat.cursor().afterSeq).toBe(log.headSeq)
    expect(runs() - before).toBeGreaterThanOrEqual(5)
    expect(runs() - before).toBeLessThanOrEqual(7)
    log.pollMs = null
    server.broadcast(`chat:${SESSION}`, 'messages', log.frame(7, 7))
    await server.clock.advance(1_000)
    const after = runs()
    await server.clock.advance(60_000)
    expect(runs()).toBe(after)
    expect(connection.state).toBe('connected')
})

test('poll_ms of a heartbeat is obeyed, and the head that it names is left to the polls', async () => {
    const { server, chat, log } = scenario
    const runs = () => server.calls.filter(({ name }) => name === 'sync').length
    const before = runs()
    log.pollMs = 20_000
    scenario.say()
    await server.clock.advance(16_000)
    expect(chat.snapshot.headSeq).toBe(log.headSeq)
    expect(chat.cursor().afterSeq).toBe(log.headSeq - 1)
    await server.clock.advance(22_000)
    expect(chat.cursor().afterSeq).toBe(log.headSeq)
    expect(runs() - before).toBe(1)
})
