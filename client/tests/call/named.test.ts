/** The conversion of names: every composite of the contract, back and forth. */

import { describe, expect, it } from 'vitest'
import events from '../../../contract/events.json' with { type: 'json' }
import types from '../../../contract/types.json' with { type: 'json' }
import { named } from '../../src/call/named.ts'
import { INSTANTS, OPAQUE } from '../../src/contract/members.ts'

interface Schema {
    properties: Record<string, { format?: string }>
}

const INSTANT = '2026-01-01T00:00:00.5Z'

describe('every composite and payload', () => {
    const all = { ...types.$defs, ...events.$defs } as unknown as Record<string, Schema>
    it.each(Object.entries(all))('%s is renamed, with its instants as dates', (_, { properties }) => {
        const members = Object.entries(properties)
        const wire = Object.fromEntries(
            members.map(([name, { format }]) => [name, format === 'date-time' ? INSTANT : 7])
        )
        const known = members.filter(([name, { format }]) => format !== 'date-time' || INSTANTS.test(name))
        const converted = named<Record<string, unknown>>(wire)
        for (const [name, { format }] of known) {
            const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
            expect(converted[camel]).toEqual(format === 'date-time' ? new Date(INSTANT) : 7)
        }
        expect(Object.keys(converted)).toHaveLength(members.length)
    })
})

describe('what the application wrote', () => {
    it('keeps its names, at any depth', () => {
        const metadata = { lot_no: 1, shown_at: INSTANT, nested_one: [{ a_b: null }] }
        expect(OPAQUE.test('metadata')).toBe(true)
        expect(named({ host_uid: 1, metadata, streams: [{ metadata, started_at: null }] })).toEqual({
            hostUid: 1,
            metadata,
            streams: [{ metadata, startedAt: null }],
        })
    })
})
