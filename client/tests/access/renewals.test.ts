/** Tokens that have run out and cannot be renewed: a way that is closed for a moment, or a user who has to sign in again. */

import { createClient } from '@supabase/supabase-js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AccessTokens } from '../../src/access/access_tokens.ts'
import { bench } from '../fakes/bench.ts'

afterEach(() => {
    vi.useRealTimers()
})

describe('supabase-js itself', () => {
    it.each([
        ['without an answer', 'unreachable', () => Promise.reject(new TypeError('fetch failed'))],
        ['answered by a server that is overloaded', 'unreachable', async () => Response.json({}, { status: 503 })],
        ['refused', 'unauthenticated', async () => Response.json({ code: 'refresh_token_not_found' }, { status: 400 })],
    ])('with a renewal that is %s is %s', async (_, code, fetch) => {
        vi.useFakeTimers()
        const ranOut = {
            access_token: 'ran-out',
            refresh_token: 'refresh',
            token_type: 'bearer',
            expires_in: 0,
            expires_at: Math.floor(Date.now() / 1000) - 60,
            user: { id: 'ada' },
        }
        const storage = {
            getItem: async (key: string) => (key === 'session' ? JSON.stringify(ranOut) : null),
            setItem: async () => {},
            removeItem: async () => {},
        }
        const supabase = createClient('http://supabase.test', 'anon', {
            auth: { storage, storageKey: 'session', persistSession: true, autoRefreshToken: false },
            global: { fetch },
        })
        const got = expect(new AccessTokens(supabase).get()).rejects.toMatchObject({ code })
        await vi.advanceTimersByTimeAsync(90_000)
        await got
    })

    it('without a session gives no token, also where the app brings its own', async () => {
        const auth = { persistSession: false, autoRefreshToken: false }
        const session = createClient('http://supabase.test', 'anon', { auth })
        const own = createClient('http://supabase.test', 'anon', { accessToken: async () => null })
        for (const supabase of [session, own]) {
            await expect(new AccessTokens(supabase).get()).rejects.toMatchObject({ code: 'unauthenticated' })
        }
    })
})

describe.each(['rpc', 'edge'] as const)('a renewal that gets no answer, over %s', (over) => {
    it.each([
        ['on a wake', true],
        ['while connected', false],
    ])('%s does not end the connection', async (_, isWake) => {
        const { connect, supabase, lifecycle, clock, errors, client, dispose } = bench({ over })
        await connect()
        supabase.renewalError = { status: 0 }
        if (isWake) {
            lifecycle.emit('background')
            clock.sleep(3_600_000)
            lifecycle.emit('active')
        }
        await clock.advance(20_000)
        expect(errors).toEqual([])
        supabase.renewalError = null
        await clock.advance(30_000)
        expect(errors).toEqual([])
        expect(client.connection.getConnectionState()).toBe('connected')
        await dispose()
    })
})
