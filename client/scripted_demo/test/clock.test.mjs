/** Server timestamps are compared to the microsecond, whatever their spelling. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { instantMicros, instantMs } from '../clock.mjs'

it('reads the spellings of one instant alike', () => {
    const spellings = [
        '2026-01-01T00:00:00.5+00:00',
        '2026-01-01T00:00:00.500Z',
        '2026-01-01 00:00:00.500000+00',
        '2026-01-01T02:00:00.5+02:00',
    ]
    for (const text of spellings) assert.equal(instantMs(text), Date.UTC(2026, 0, 1, 0, 0, 0, 500))
})

it('tells two microseconds of one millisecond apart', () => {
    assert.equal(instantMicros('2026-01-01T00:00:00.000002Z') - instantMicros('2026-01-01T00:00:00.000001Z'), 1)
})

it('answers NaN for what is no timestamp', () => {
    for (const text of [null, undefined, 0, '', 'infinity', '2026-01-01', '2026-01-01T00:00:00']) {
        assert.ok(Number.isNaN(instantMicros(text)), String(text))
    }
})
