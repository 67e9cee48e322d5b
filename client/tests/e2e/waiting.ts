/** Waiting, on the wall clock: the servers are real. */

const SETTLED_WITHIN_MS = 60_000

/** Fails when it does not hold within a minute, with what is `seen` then. */
export async function until(what: string, holds: () => boolean, seen?: () => unknown): Promise<void> {
    const end = Date.now() + SETTLED_WITHIN_MS
    while (!holds()) {
        if (Date.now() > end)
            throw new Error(`not within ${SETTLED_WITHIN_MS} ms: ${what} ${JSON.stringify(seen?.() ?? '')}`)
        await sleep(20)
    }
}

export function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
}
