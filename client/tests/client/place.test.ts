/** A viewer without a place in the stream: before the join, after a lease that ended unnoticed, and where none will be taken. */

import { expect, test } from 'vitest'
import { FakeRefusal } from '../fake_server/fake_refusal.ts'
import { ADA, Scenario, SESSION } from '../fake_server/scenario.ts'

test('a message that is written before the join is answered is stored right after it', async () => {
    const scenario = new Scenario(1)
    const { stored } = scenario.chat.send('first words')
    await scenario.connect()
    await scenario.server.clock.advance(100)
    expect(await stored).toMatchObject({ content: 'first words', status: 'sent' })
    const names = scenario.server.calls.map(({ name }) => name)
    // Refused once: the join was on its way.
    expect(names.filter((name) => name === 'send_message')).toHaveLength(2)
})

test('a lease that ended unnoticed is taken anew for the message that found out', async () => {
    const scenario = new Scenario(1)
    const { server, chat, connection } = scenario
    await scenario.connect()
    server.endLease(SESSION, ADA)
    const reasons: string[] = []
    connection.on('restored', ({ reason }) => reasons.push(reason))
    const { stored } = chat.send('still here')
    // Long before the next heartbeat.
    await server.clock.advance(4_000)
    expect(await stored).toMatchObject({ content: 'still here', status: 'sent' })
    expect(server.calls.filter(({ name }) => name === 'join_stream')).toHaveLength(2)
    expect(reasons).toEqual(['lease_lost'])
})

test('a send that is given up while it waits for a place is never made', async () => {
    const scenario = new Scenario(1)
    const { server, ada, log } = scenario
    await scenario.connect()
    server.endLease(SESSION, ADA)
    server.isRealtimeDown = true
    server.cut()
    const controller = new AbortController()
    const sent = ada.client.chat.sendMessage(SESSION, ADA, 'changed my mind', { signal: controller.signal })
    const refused = expect(sent).rejects.toMatchObject({ code: 'aborted' })
    await server.clock.advance(50)
    controller.abort()
    await refused
    server.isRealtimeDown = false
    await server.clock.advance(120_000)
    expect(scenario.connection.state).toBe('connected')
    expect(log.entries.map(({ content }) => content)).not.toContain('changed my mind')
})

test('where the join is refused, what was written before it fails at once', async () => {
    const scenario = new Scenario(1)
    const { server, chat, connection } = scenario
    const run = server.run.bind(server)
    server.run = (name, ...call) => {
        if (name === 'join_stream') throw new FakeRefusal('cannot_view', 403)
        return run(name, ...call)
    }
    const { stored } = chat.send('let me in')
    const refused = expect(stored).rejects.toMatchObject({ code: 'not_viewer' })
    await server.clock.advance(2_000)
    await refused
    expect(connection.state).toBe('failed')
    expect(chat.snapshot.error?.code).toBe('cannot_view')
})

test('what another user read is not stored as read by the one who is signed in', async () => {
    const scenario = new Scenario(1)
    const { server, ada, chat, log } = scenario
    await scenario.connect()
    scenario.say()
    server.flush(SESSION)
    await server.clock.advance(1_000)
    const marked = chat.markReadUpTo(log.headSeq)
    const refused = expect(marked).rejects.toMatchObject({ code: 'not_self' })
    ada.supabase.userId = '55555555-5555-4555-8555-555555555555'
    await server.clock.advance(5_000)
    await refused
})
