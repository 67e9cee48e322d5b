/** The judge sees each kind of damage, names it, and finds nothing in a good run. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verify } from '../verify.mjs'
import { FINDING_KINDS } from '../verify/finding.mjs'
import { DAMAGES } from './damages.mjs'
import { addCount, coalesceFrames, digestOf, participantOf, recordedRun } from './recorded_run.mjs'

describe('verify', () => {
    it('finds nothing wrong in the recorded good run', () => {
        assert.deepEqual(verify(recordedRun()), [])
    })

    it('finds nothing wrong in frames of several messages', () => {
        const run = recordedRun()
        coalesceFrames(run, 'ben')
        assert.deepEqual(verify(run), [])
    })

    it('finds nothing wrong in a digest, whose entries are fetched and not seen', () => {
        const run = recordedRun()
        const { payload } = digestOf(run, 'ben')
        assert.ok(payload.to_seq > payload.from_seq)
        assert.deepEqual(verify(run), [])
    })

    for (const counts of [[3], [1, 3], [2, 3], [1, 2, 3], [0, 3, 3]]) {
        it(`finds nothing wrong in the counts ${counts.join(', ')}`, () => {
            const run = recordedRun()
            const ben = participantOf(run, 'ben')
            ben.seen = ben.seen.filter(({ topic }) => topic !== 'viewers')
            for (const viewer_count of counts) {
                const receivedAtMs = run.joins[viewer_count - 1]?.called_at_ms ?? run.began_at_ms
                addCount(run, 'ben', receivedAtMs, { viewer_count, peak: viewer_count })
            }
            assert.deepEqual(verify(run), [])
        })
    }

    for (const { name, damage, kinds, who } of DAMAGES) {
        it(`notices ${name}`, () => {
            const run = recordedRun()
            damage(run)
            const findings = verify(run)
            assert.deepEqual([...new Set(findings.map(({ kind }) => kind))].sort(), [...kinds].sort())
            assert.deepEqual([...new Set(findings.map((each) => each.who))], [who])
            assert.ok(findings.every(({ what }) => what.length > 0 && !what.includes('undefined')), JSON.stringify(findings))
        })
    }

    it('provokes every kind of finding', () => {
        const provoked = new Set(DAMAGES.flatMap(({ kinds }) => kinds))
        assert.deepEqual(FINDING_KINDS.filter((kind) => !provoked.has(kind)), [])
    })

    it('names the ids and seqs of every lost message of every participant', () => {
        const run = recordedRun()
        const [first, second] = run.sends
        for (const participant of run.participants) {
            for (const { topic, payload } of participant.seen) {
                if (topic !== 'chat') continue
                payload.messages = payload.messages.filter(
                    (/** @type {any} */ { id }) => id !== first.id && id !== second.id
                )
            }
        }
        const lost = verify(run).filter(({ kind }) => kind === 'message_missing')
        assert.equal(lost.length, 2 * run.participants.length)
        for (const send of [first, second]) {
            const findings = lost.filter(({ what }) => what.includes(send.id) && what.includes(`seq ${send.answers[0].seq}`))
            assert.deepEqual(findings.map(({ who }) => who).sort(), run.participants.map(({ name }) => name).sort())
        }
    })

    it('survives payloads that are no payloads', () => {
        for (const payload of [null, undefined, 1, 'text', [], {}, { messages: {} }, { messages: [null, 1, {}] }]) {
            const run = recordedRun()
            for (const sighting of run.participants[1].seen) sighting.payload = payload
            assert.notDeepEqual(verify(run), [])
        }
    })

    it('accepts a late initializing event, which is no part of the play', () => {
        const run = recordedRun()
        const { seen } = run.participants[0]
        const state = seen.find(({ topic }) => topic === 'stream')
        assert.ok(state)
        seen.unshift({ ...state, payload: { ...state.payload, state: 'initializing', previous_state: null, seq: 1 } })
        assert.deepEqual(verify(run), [])
    })
})
