/** Work that runs once at a time: who asks for it while it runs waits for the same run. */

export function oneAtATime<T>(run: () => Promise<T>): () => Promise<T> {
    let running: Promise<T> | null = null
    return () => {
        running ??= run().finally(() => {
            running = null
        })
        return running
    }
}
