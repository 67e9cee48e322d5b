/** Users, auction and log of the demo, on whichever stack. */

import { createClient, type SupabaseClient } from '@supabase/supabase-js'

export const SELLER = 'seller@demo.test'
export const VIEWER = 'buyer1@demo.test'
const PASSWORD = 'demo-password'
const AUCTION = '00000000-0000-4000-8000-0000000000a1'

export interface Entry {
    seq: number
    id: string
    content: string
}

export async function readLog(sessionId: string, seller: SupabaseClient): Promise<Entry[]> {
    const log: Entry[] = []
    for (;;) {
        const args = { session_id: sessionId, after_seq: log.at(-1)?.seq ?? 0, page_size: 200 }
        const { data, error } = await seller.schema('stream').rpc('get_message_history', args)
        if (error) throw error
        const page = data as Entry[]
        if (page.length === 0) return log
        log.push(...page)
    }
}

export async function startStream(seller: SupabaseClient): Promise<{ id: string }> {
    const start = async () => {
        const { data, error } = await seller.schema('stream').rpc('start_stream', { auction_id: AUCTION })
        if (error) throw error
        return data as { id: string; generation: number; state: string }
    }
    let session = await start()
    if (session.generation > 1 || session.state !== 'initializing') {
        // An earlier run left it; this one wants a log of its own.
        await seller.schema('stream').rpc('end_stream', { session_id: session.id })
        session = await start()
    }
    const args = { session_id: session.id, state: 'active', generation: session.generation }
    const { error } = await seller.schema('stream').rpc('update_stream_state', args)
    if (error) throw error
    return session
}

export async function signIn(
    url: string,
    anonKey: string,
    email: string,
    fetch: typeof globalThis.fetch = globalThis.fetch
): Promise<SupabaseClient> {
    const supabase = createClient(url, anonKey, {
        auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
        global: { fetch },
    })
    const { error } = await supabase.auth.signInWithPassword({ email, password: PASSWORD })
    if (error) throw error
    return supabase
}
