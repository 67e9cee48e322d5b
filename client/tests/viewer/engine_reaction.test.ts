/** What the viewer does about each of Agora's reasons. */

import { describe, expect, it } from 'vitest'
import { type EngineReaction, reactionTo } from '../../src/viewer/engine_reaction.ts'
import type { VideoConnectionReason, VideoConnectionState } from '../../src/viewer/video_engine.ts'

type Case = [state: VideoConnectionState, reason: VideoConnectionReason, reaction: EngineReaction]

const recover = (cause: Extract<EngineReaction, { kind: 'recover' }>['cause']): EngineReaction => ({
    kind: 'recover',
    cause,
})

const IN: Case[] = [
    ['connected', 'joined', { kind: 'joined' }],
    ['connected', 'rejoined', { kind: 'joined' }],
    ['reconnecting', 'interrupted', { kind: 'wait' }],
    ['reconnecting', 'lost', { kind: 'wait' }],
    ['connecting', 'joining', { kind: 'none' }],
    ['failed', 'banned', { kind: 'end', end: 'banned' }],
    ['disconnected', 'taken_over', { kind: 'end', end: 'taken_over' }],
    ['failed', 'token_expired', recover('token_refused')],
    ['disconnected', 'token_invalid', recover('token_refused')],
    ['reconnecting', 'token_expired', recover('token_refused')],
    ['failed', 'join_failed', recover('join_failed')],
    ['failed', 'refused', recover('join_failed')],
    ['failed', 'lost', recover('connection_failed')],
    ['disconnected', 'error', recover('connection_failed')],
    // Nobody has asked it to leave.
    ['disconnected', 'left', recover('connection_failed')],
]

describe('the connection of an engine', () => {
    it.each(IN)('that is %s by %s', (state, reason, reaction) => {
        expect(reactionTo({ state, reason }, 'in')).toEqual(reaction)
    })

    it('that is left is no trouble, and one that ends for good is so anywhere', () => {
        for (const place of ['out', 'joining'] as const) {
            expect(reactionTo({ state: 'disconnected', reason: 'left' }, place)).toEqual({ kind: 'none' })
            expect(reactionTo({ state: 'failed', reason: 'banned' }, place)).toEqual({ kind: 'end', end: 'banned' })
        }
        expect(reactionTo({ state: 'disconnected', reason: 'error' }, 'out')).toEqual({ kind: 'none' })
    })

    it('that refuses the token of a join wants another', () => {
        expect(reactionTo({ state: 'failed', reason: 'token_invalid' }, 'joining')).toEqual(recover('token_refused'))
    })
})
