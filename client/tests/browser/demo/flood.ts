/** Thirty messages a second into a stream, from the service and in the names of its viewers. */

import { randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'

const EVERY_MS = 100
const AT_ONCE = 3

const LINES = [
    'What year is the lens from?',
    'That patina is lovely',
    'Could you turn it around once more?',
    'Is the case the original one?',
    'I had one of these in school, never should have sold it',
    'How does the shutter sound at a fifteenth?',
    'Shipping to Lisbon?',
    'Going to be a close one',
]

export interface Flood {
    url: string
    serviceKey: string
    sessionId: string
    userIds: readonly string[]
}

/** Returns how many messages the stream took, and the number of the last one in its log. */
export async function flood(
    { url, serviceKey, sessionId, userIds }: Flood,
    seconds: number
): Promise<{ sent: number; headSeq: number }> {
    const service = createClient(url, serviceKey, { auth: { persistSession: false } }).schema('stream')
    let [sent, headSeq] = [0, 0]
    const rounds = (seconds * 1000) / EVERY_MS
    const begun = Date.now()
    for (let round = 0; round < rounds; round++) {
        const items = Array.from({ length: AT_ONCE }, (_, index) => ({
            session_id: sessionId,
            user_id: userIds[(round + index) % userIds.length],
            content: `${LINES[(round * AT_ONCE + index) % LINES.length]}`,
            id: randomUUID(),
        }))
        const { data, error } = await service.rpc('send_messages', { items })
        if (error) throw error
        const taken = (data as { status: string; message: { seq: number } }[]).filter(({ status }) => status === 'ok')
        sent += taken.length
        headSeq = Math.max(headSeq, ...taken.map(({ message }) => message.seq))
        const waitMs = begun + (round + 1) * EVERY_MS - Date.now()
        if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs))
    }
    return { sent, headSeq }
}
