/** The error handler: the catalogue's strategies, counted by operation, and nothing secret in a log. */

import { describe, expect, it } from 'vitest'
import catalogue from '../../../contract/errors.json' with { type: 'json' }
import {
    ERROR_RECOVERY_STRATEGIES,
    ErrorCategory,
    StreamError,
    type StreamErrorCode,
    StreamErrorHandler,
} from '../../src/index.ts'

const lost = () => new StreamError('upstream_unavailable', 'down', { status: 503 })

describe('strategies', () => {
    it('are the seed’s where it names them', () => {
        expect(ERROR_RECOVERY_STRATEGIES.network_error).toEqual({
            autoRetry: true,
            maxRetryAttempts: 3,
            retryDelay: 2_000,
            fallbackAction: 'show_offline_mode',
            userNotification: true,
        })
        expect(ERROR_RECOVERY_STRATEGIES.authentication_error).toMatchObject({
            autoRetry: false,
            fallbackAction: 'redirect_to_login',
        })
        expect(ERROR_RECOVERY_STRATEGIES.stream_error).toMatchObject({
            autoRetry: true,
            maxRetryAttempts: 2,
            retryDelay: 1_000,
        })
        expect(Object.keys(ERROR_RECOVERY_STRATEGIES).sort()).toEqual(Object.values(ErrorCategory).sort())
    })

    it('are handed out as copies', () => {
        const handler = new StreamErrorHandler()
        const strategy = handler.getRecoveryStrategy('network_error')
        strategy.maxRetryAttempts = 99
        expect(handler.getRecoveryStrategy('network_error').maxRetryAttempts).toBe(3)
    })
})

describe('handling', () => {
    it.each(catalogue.map((entry) => [entry.code, entry] as const))(
        '%s does what the catalogue says',
        async (code, entry) => {
            const handler = new StreamErrorHandler()
            const { recovery } = entry
            const error = new StreamError(code as StreamErrorCode, entry.message, { status: entry.status })
            for (let attempt = 1; attempt <= recovery.max_retry_attempts; attempt++) {
                const resolution = await handler.handleError(error, { operation: 'call' })
                const retryAfterMs = recovery.retry_delay_ms * 2 ** (attempt - 1)
                expect(resolution).toMatchObject({ action: 'retry', attempt, retryAfterMs, notifyUser: false })
            }
            expect(await handler.handleError(error, { operation: 'call' })).toMatchObject({
                action: 'fallback',
                fallbackAction: recovery.fallback_action,
                notifyUser: recovery.user_notification,
            })
        }
    )

    it('counts each operation for itself, and begins again after a success', async () => {
        const handler = new StreamErrorHandler()
        const first = { operation: 'send', sessionId: 'a' }
        for (let attempt = 1; attempt <= 3; attempt++) await handler.handleError(lost(), first)
        expect((await handler.handleError(lost(), { ...first, sessionId: 'b' })).attempt).toBe(1)
        handler.succeeded(first)
        expect((await handler.handleError(lost(), first)).attempt).toBe(1)
    })

    it('waits as long as the server asks', async () => {
        const error = new StreamError('rate_limited', 'slowly', { status: 429, retryAfterMs: 700 })
        expect(await new StreamErrorHandler().handleError(error)).toMatchObject({ action: 'retry', retryAfterMs: 700 })
    })

    it('takes anything thrown', async () => {
        const thrown = new TypeError('fetch failed') as unknown as StreamError
        expect(await new StreamErrorHandler().handleError(thrown)).toMatchObject({ action: 'retry' })
    })
})

describe('logging', () => {
    it('names code and context, and never the cause', () => {
        const lines: [level: string, message: string, fields: object][] = []
        const handler = new StreamErrorHandler({
            warn: (message, fields) => lines.push(['warn', message, fields]),
            error: (message, fields) => lines.push(['error', message, fields]),
        })
        const cause = { headers: { authorization: 'Bearer secret' } }
        handler.logError(new StreamError('unreachable', 'no answer', { cause }), { operation: 'sync' })
        handler.logError(new StreamError('banned', 'banned', { status: 403 }), { sessionId: 's' })
        expect(lines.map(([level, message]) => [level, message])).toEqual([
            ['warn', 'no answer'],
            ['error', 'banned'],
        ])
        expect(JSON.stringify(lines)).not.toContain('secret')
        expect(lines[0]?.[2]).toMatchObject({ code: 'unreachable', category: 'network_error', operation: 'sync' })
    })
})
