/** Calls that need a place in the stream, which may be lost before anybody notices, as in a sleep. */

import type { ConnectionConfig, StreamClient, StreamError } from '@pg-stream/client'

type Watched = Pick<ConnectionConfig, 'sessionId' | 'userId'>

/** A place that is not back by then is not waited for. */
const RESTORED_WITHIN_MS = 10_000

/** Makes a call, and once more where it was refused without a place, after that was taken again. */
export async function withPlace<T>(client: StreamClient, watched: Watched, run: () => Promise<T>): Promise<T> {
    try {
        return await run()
    } catch (error) {
        if (!isWithoutPlace(error)) throw error
        await takeAgain(client, watched, error)
        return run()
    }
}

/** Makes a call that is worth nothing later: refused without a place it is forgotten. */
export async function onlyInPlace(client: StreamClient, watched: Watched, run: () => Promise<unknown>): Promise<void> {
    try {
        await run()
    } catch (error) {
        if (!isWithoutPlace(error)) throw error
        void takeAgain(client, watched, error)
    }
}

function isWithoutPlace(error: unknown): error is StreamError {
    return (error as Partial<StreamError>).code === 'not_viewer'
}

/** Tells the connection of the refusal, which has it take the place again; resolves then, or after a while. */
function takeAgain({ core }: StreamClient, { sessionId, userId }: Watched, error: StreamError): Promise<void> {
    const connection = core.connections.find(sessionId, userId)
    return new Promise((resolve) => {
        const settle = () => {
            cancel()
            unsubscribe?.()
            resolve()
        }
        const cancel = core.clock.after(RESTORED_WITHIN_MS, settle)
        const unsubscribe = connection?.on('restored', settle)
        connection?.report(error)
    })
}
