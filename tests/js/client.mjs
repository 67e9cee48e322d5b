/** The connection of a test to Realtime, with the real client that the demo has installed, and within a deadline. */

import { createRequire } from 'node:module'

const requireOfDemo = createRequire(new URL('../../client/scripted_demo/package.json', import.meta.url))
const { createClient } = requireOfDemo('@supabase/supabase-js')

/** One step: a join, a refusal, a message on its way. Far above what a busy machine needs. */
const STEP_WITHIN_MS = 20_000

/** SUBSCRIBED only means joined; the server says this once rows written by the database reach the channel. */
const REPLICATION_READY = 'Replication connection established'

/**
 * @param {{supabaseUrl: string, anonKey: string}} where
 * @param {string | null} accessToken null: nothing but the public key
 */
export function connect({ supabaseUrl, anonKey }, accessToken) {
    return createClient(supabaseUrl, anonKey, { accessToken: async () => accessToken ?? anonKey })
}

/**
 * Joins and answers 'joined', or the server's reason for refusing. The client would try again; the first answer counts.
 * @param {any} supabase @param {string} topic
 * @param {{isPrivate: boolean, isPublic?: boolean, replay?: any, onBroadcast?: (message: any) => void}} options
 *     isPublic: asks for a public channel although the client itself believes that it is private
 * @returns {Promise<{channel: any, verdict: string}>}
 */
export async function join(supabase, topic, { isPrivate, isPublic = false, replay, onBroadcast = () => {} }) {
    await supabase.realtime.setAuth()
    const broadcast = { self: true, replication_ready: isPrivate, ...(replay === undefined ? {} : { replay }) }
    const channel = supabase.channel(topic, { config: { private: isPrivate, broadcast } })
    if (isPublic) channel.params.config.private = false
    const answered = new Promise((resolve) => {
        channel
            .on('broadcast', { event: '*' }, onBroadcast)
            .on('system', {}, ({ message }) => message === REPLICATION_READY && resolve('joined'))
            .subscribe((status, error) => {
                if (status !== 'SUBSCRIBED') resolve(error?.message ?? status)
                else if (!isPrivate) resolve('joined')
            })
    })
    return { channel, verdict: await within(answered, `join ${topic}`) }
}

/** @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
export async function within(promise, what) {
    let timer
    const expired = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: nothing within ${STEP_WITHIN_MS} ms`)), STEP_WITHIN_MS)
    })
    try {
        return await Promise.race([promise, expired])
    } finally {
        clearTimeout(timer)
    }
}

/** Prints the answer and ends; open sockets would keep the process alive. @param {unknown} answer */
export function finish(answer) {
    process.stdout.write(JSON.stringify(answer), () => process.exit(0))
}
