/** A pause that ends early, with an error, when its signal is aborted. */

import { abortable } from './abortable.ts'
import type { Clock } from './clock.ts'

export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
    return abortable(signal, (resolve) => clock.after(ms, () => resolve()))
}
