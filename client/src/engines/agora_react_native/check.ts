/** Answers of the SDK: negative numbers are refusals. */

import { VideoEngineError } from '../engine_error.ts'
import { reasonOfCode } from './reasons.ts'

/** Throws where a method was refused; without an engine there is no answer. */
export function check(code: number | undefined, method: string): void {
    if (code === undefined || code >= 0) return
    throw new VideoEngineError(`${method} returned ${code}`, { reason: reasonOfCode(code), code })
}
