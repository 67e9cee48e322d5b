/** The demo's calls that need a place, in a stream whose place was lost. */

import { beforeEach, describe, expect, it } from 'vitest'
import { onlyInPlace, withPlace } from '../../demo/src/backend/place.ts'
import { ADA, Scenario, SESSION } from '../fake_server/scenario.ts'

const WATCHED = { sessionId: SESSION, userId: ADA }

let scenario: Scenario

beforeEach(async () => {
    scenario = new Scenario(1)
    await scenario.connect()
    await scenario.server.clock.advance(1_000)
})

const react = (kind = 'heart') => scenario.ada.client.stream.sendReaction(SESSION, kind)
const reactions = () => scenario.server.calls.filter(({ name }) => name === 'send_reaction')
const joins = () => scenario.server.calls.filter(({ name }) => name === 'join_stream').length

/** What a call came to, so far. */
function outcome(promise: Promise<unknown>): { value?: unknown; code?: string } {
    const result: { value?: unknown; code?: string } = {}
    promise.then(
        (value) => {
            result.value = value
        },
        ({ code }) => {
            result.code = code
        }
    )
    return result
}

describe('a call that needs a place', () => {
    it('is made once where the place is held', async () => {
        const made = outcome(withPlace(scenario.ada.client, WATCHED, react))
        await scenario.server.clock.advance(1_000)
        expect(made.value).toMatchObject({ accepted: true })
        expect(reactions()).toHaveLength(1)
    })

    it('is made again once the lost place is back, which it is before the next heartbeat', async () => {
        const { server, ada } = scenario
        server.endLease(SESSION, ADA)
        const made = outcome(withPlace(ada.client, WATCHED, react))
        await server.clock.advance(4_000)
        expect(made).toEqual({ value: { accepted: true, retryAfterMs: null } })
        expect(reactions().map(({ isAnswered }) => isAnswered)).toEqual([false, true])
        expect(joins()).toBe(2)
    })

    it('waits for a connection that is on its way back', async () => {
        const { server, ada, connection } = scenario
        server.endLease(SESSION, ADA)
        server.isRealtimeDown = true
        server.cut()
        const made = outcome(withPlace(ada.client, WATCHED, react))
        await server.clock.advance(1_500)
        expect(connection.state).not.toBe('connected')
        expect(made).toEqual({})
        server.isRealtimeDown = false
        await server.clock.advance(8_000)
        expect(made.value).toMatchObject({ accepted: true })
    })

    it('fails with the refusal where the place does not come back', async () => {
        const { server, ada, release } = scenario
        release()
        await server.clock.advance(60_000)
        server.endLease(SESSION, ADA)
        const made = outcome(withPlace(ada.client, WATCHED, react))
        await server.clock.advance(15_000)
        expect(made).toEqual({ code: 'not_viewer' })
        expect(reactions()).toHaveLength(2)
        expect(joins()).toBe(1)
    })

    it('is not made again for another refusal', async () => {
        const { server, ada } = scenario
        let calls = 0
        const refused = () => {
            calls++
            return ada.client.stream.sendReaction('00000000-0000-4000-8000-0000000000ff', 'heart')
        }
        const made = [withPlace(ada.client, WATCHED, refused), onlyInPlace(ada.client, WATCHED, refused)].map(outcome)
        await server.clock.advance(15_000)
        expect(made).toEqual([{ code: 'session_not_found' }, { code: 'session_not_found' }])
        expect(calls).toBe(2)
    })
})

describe('a call that is worth nothing later', () => {
    it('is forgotten without a place, which is taken again', async () => {
        const { server, ada } = scenario
        server.endLease(SESSION, ADA)
        const made = outcome(onlyInPlace(ada.client, WATCHED, react))
        await server.clock.advance(4_000)
        expect(made).toEqual({ value: undefined })
        expect('value' in made).toBe(true)
        expect(reactions()).toHaveLength(1)
        expect(joins()).toBe(2)
        const next = outcome(onlyInPlace(ada.client, WATCHED, react))
        await server.clock.advance(1_000)
        expect(next.code).toBeUndefined()
        expect(reactions().at(-1)?.isAnswered).toBe(true)
    })
})
