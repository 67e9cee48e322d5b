/** Runs an action of the user and tells what went wrong, in a sentence. */

import { StreamError } from '@pg-stream/client'
import { sentenceOf } from '@pg-stream/client/messages'
import { notify } from './toast.tsx'

export function sentence(error: unknown): string {
    if (error instanceof StreamError) return sentenceOf(error)
    return error instanceof Error ? capitalised(error.message) : 'Something went wrong.'
}

/** Whether it succeeded. */
export async function attempt(run: () => Promise<unknown>, done?: string): Promise<boolean> {
    try {
        await run()
        if (done !== undefined) notify(done)
        return true
    } catch (error) {
        notify(sentence(error), true)
        return false
    }
}

function capitalised(text: string): string {
    return text.slice(0, 1).toUpperCase() + text.slice(1)
}
