/** What to do about an error: the strategies of the catalogue, with a count of attempts for each operation. */

import { ERROR_RECOVERY_STRATEGIES, type ErrorCategory, type RecoveryStrategy } from '../contract/errors.ts'
import { type StreamError, toStreamError } from './stream_error.ts'

/** An error as the handler takes it; `toStreamError` makes one of anything thrown. */
export type SystemError = StreamError

/** What was going on. No token and no text of a message belongs here. */
export interface ErrorContext {
    operation?: string
    sessionId?: string
    userId?: string
    /** How many attempts have failed; the handler counts by `operation` where it is left out. */
    attempt?: number
}

export interface ErrorResolution {
    action: 'retry' | 'fallback'
    /** With `retry`: how long to wait before it. */
    retryAfterMs: number
    /** What the app should show or do when it does not retry. */
    fallbackAction: string
    /** Whether a user should hear of it. */
    notifyUser: boolean
    /** The attempt that failed, from 1. */
    attempt: number
}

export interface ErrorHandler {
    handleError(error: SystemError, context?: ErrorContext): Promise<ErrorResolution>
    getRecoveryStrategy(errorType: ErrorCategory): RecoveryStrategy
    logError(error: SystemError, context: ErrorContext): void
}

/** Where errors are written; `console` is one. */
export interface Logger {
    warn(message: string, fields: Record<string, unknown>): void
    error(message: string, fields: Record<string, unknown>): void
}

/** How long to wait before attempt `attempt + 1`; the server's own word wins. Doubles with each attempt. */
export function retryDelayMs(error: StreamError, attempt: number): number {
    const strategy = ERROR_RECOVERY_STRATEGIES[error.category]
    return error.retryAfterMs ?? strategy.retryDelay * 2 ** (attempt - 1)
}

/** Whether the catalogue tries such an error again after `attempt` attempts have failed. */
export function isRetried(error: StreamError, attempt: number): boolean {
    const strategy = ERROR_RECOVERY_STRATEGIES[error.category]
    return error.recoverable && strategy.autoRetry && attempt <= strategy.maxRetryAttempts
}

export class StreamErrorHandler implements ErrorHandler {
    readonly #logger: Logger | undefined
    readonly #attempts = new Map<string, number>()

    constructor(logger?: Logger) {
        this.#logger = logger
    }

    async handleError(error: SystemError, context: ErrorContext = {}): Promise<ErrorResolution> {
        const known = toStreamError(error)
        this.logError(known, context)
        const attempt = context.attempt ?? this.#count(context)
        const retries = isRetried(known, attempt)
        if (!retries) this.succeeded(context)
        return {
            action: retries ? 'retry' : 'fallback',
            retryAfterMs: retries ? retryDelayMs(known, attempt) : 0,
            fallbackAction: known.fallbackAction,
            notifyUser: !retries && ERROR_RECOVERY_STRATEGIES[known.category].userNotification,
            attempt,
        }
    }

    /** Forgets the failed attempts of an operation, once it has succeeded. */
    succeeded(context: ErrorContext): void {
        this.#attempts.delete(key(context))
    }

    getRecoveryStrategy(errorType: ErrorCategory): RecoveryStrategy {
        return { ...ERROR_RECOVERY_STRATEGIES[errorType] }
    }

    logError(error: SystemError, context: ErrorContext): void {
        const { code, category, recoverable, status, message } = toStreamError(error)
        const fields = { code, category, recoverable, status, ...context }
        if (recoverable) this.#logger?.warn(message, fields)
        else this.#logger?.error(message, fields)
    }

    #count(context: ErrorContext): number {
        const attempt = (this.#attempts.get(key(context)) ?? 0) + 1
        this.#attempts.set(key(context), attempt)
        return attempt
    }
}

function key({ operation = '', sessionId = '' }: ErrorContext): string {
    return `${operation} ${sessionId}`
}
