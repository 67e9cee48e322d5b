/** Sentences for users: one for every code, with the time to wait where the server names one. */

import { describe, expect, it } from 'vitest'
import catalogue from '../../../contract/errors.json' with { type: 'json' }
import { CLIENT_CODES } from '../../src/error/stream_error.ts'
import { StreamError } from '../../src/index.ts'
import { ENGLISH, sentenceOf } from '../../src/messages.ts'

describe('sentences', () => {
    it('are there for every code, and end', () => {
        const own = Object.values(CLIENT_CODES).flatMap((list) => list.replace(/[+!]/g, '').split(' '))
        const codes = [...catalogue.map(({ code }) => code), ...own]
        expect(Object.keys(ENGLISH).sort()).toEqual(codes.sort())
        for (const sentence of Object.values(ENGLISH)) expect(sentence).toMatch(/^[A-Z].*[.?]$/)
    })

    it('say how long to wait', () => {
        const slow = new StreamError('slow_mode', 'slow mode is on', { status: 429, retryAfterMs: 2_100 })
        expect(sentenceOf(slow)).toBe('Slow mode is on. Try again in 3 seconds.')
        expect(sentenceOf(new StreamError('slow_mode', '', { retryAfterMs: 1 }))).toBe(
            'Slow mode is on. Try again in 1 second.'
        )
        expect(sentenceOf(new StreamError('stream_ended', ''))).toBe('The stream has ended.')
    })

    it('come from another table where it has them', () => {
        const german = { slow_mode: 'Der langsame Modus ist an.' }
        const again = (seconds: number) => `Noch ${seconds} s.`
        expect(sentenceOf({ code: 'slow_mode', retryAfterMs: 4_000 }, german, again)).toBe(
            'Der langsame Modus ist an. Noch 4 s.'
        )
        expect(sentenceOf({ code: 'banned' }, german)).toBe('You are banned from this stream.')
    })
})
