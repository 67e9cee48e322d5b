/** The transcript shows everything that was seen, in order, and the verdict names what is wrong. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rowsOf, summarize, transcript, verdict } from '../report.mjs'
import { finding } from '../verify/finding.mjs'
import { participantOf, recordedRun, userFrameOf } from './recorded_run.mjs'

describe('report', () => {
    it('gives every message, state and count one row with its latencies', () => {
        const run = recordedRun()
        for (const participant of run.participants) {
            const rows = rowsOf(run, participant)
            const ofTopic = (/** @type {string} */ topic) => rows.filter((row) => row.topic === topic)
            assert.equal(ofTopic('stream').length, run.expected.states.length)
            assert.ok(ofTopic('chat').length >= run.sends.length + run.expected.states.length)
            assert.ok(rows.every(({ commit_ms }) => commit_ms !== null))
            assert.ok(ofTopic('stream').every(({ call_ms }) => call_ms !== null))
            assert.ok(ofTopic('viewers').length > 0)
            assert.ok(ofTopic('viewers').every(({ call_ms }) => call_ms === null))
            assert.equal(ofTopic('chat').filter(({ call_ms }) => call_ms !== null).length, run.sends.length)
        }
    })

    it('shows no commit latency when the clocks differ', () => {
        const run = { ...recordedRun(), same_clock: false }
        assert.ok(rowsOf(run, run.participants[0]).every(({ commit_ms }) => commit_ms === null))
        assert.match(verdict(run, []), /commit -> callback unknown/)
    })

    it('lets no control sequence of a message reach the terminal', () => {
        const run = recordedRun()
        userFrameOf(run, 'ben').payload.messages[0].content = 'a\u001b[2Jb\nc'
        userFrameOf(run, 'ben').payload.messages[0].metadata = {}
        const text = transcript({ ...run, participants: [participantOf(run, 'ben')] })
        assert.match(text, /a\?\[2Jb⏎c/)
    })

    it('puts every finding before a last line that says failed', () => {
        const lines = verdict(recordedRun(), [finding('message_missing', 'ben', 'message x (seq 7)')]).split('\n')
        assert.equal(lines[0], 'FAILED message_missing: ben: message x (seq 7)')
        assert.match(lines[lines.length - 1], /^FAILED \(1 findings\): 4 participants/)
        assert.match(verdict(recordedRun(), []), /^PASSED: 4 participants/)
    })

    it('takes percentiles by nearest rank', () => {
        const rows = Array.from({ length: 100 }, (_, index) => ({
            at_ms: 0, topic: '', seq: '', text: '', call_ms: null, commit_ms: index + 1,
        }))
        assert.deepEqual(summarize(rows), { callbacks: 100, commit_ms: { p50: 50, p99: 99, max: 100 }, call_ms: null })
    })
})
