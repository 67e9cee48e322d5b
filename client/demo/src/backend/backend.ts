/** The one Supabase client and the one stream client of the page, and who is signed in. */

import { createStreamClient, type StreamClient, systemRandom } from '@pg-stream/client'
import type { VideoEngineFactory } from '@pg-stream/client/viewer'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { Studio } from '../picture/studio.ts'
import type { Troubles } from '../trouble/troubles.ts'
import { engineFor } from '../video/engine.ts'
import type { Settings } from './settings.ts'

export interface User {
    readonly id: string
    readonly email: string
}

/** The demo users of the seed. */
export const DEMO_USERS = [
    {
        email: 'seller@demo.test',
        name: 'seller',
        role: 'Seller',
        about: 'Goes live, runs the sale, moderates the chat',
    },
    { email: 'buyer1@demo.test', name: 'ada', role: 'Buyer', about: 'Collects cameras and lenses' },
    { email: 'buyer2@demo.test', name: 'ben', role: 'Buyer', about: 'Furnishes a flat, one chair at a time' },
    { email: 'buyer3@demo.test', name: 'cleo', role: 'Buyer', about: 'Watches, mostly the ticking kind' },
] as const
const PASSWORD = 'demo-password'

export interface Backend {
    readonly settings: Settings
    readonly supabase: SupabaseClient
    readonly client: StreamClient
    readonly troubles: Troubles
    readonly studio: Studio
    /** Made once: whoever is given the same one shares a viewer. */
    readonly engine: VideoEngineFactory<HTMLElement>
}

/**
 * Each tab is a user of its own: the session lives in the tab's storage, under a name that no other tab has. supabase-js tells all
 * tabs that have the same one of every sign-in, and they would be signed in as somebody else.
 */
export async function makeBackend(settings: Settings, troubles: Troubles, studio: Studio): Promise<Backend> {
    const supabase = createClient(settings.supabaseUrl, settings.anonKey, {
        auth: { storage: sessionStorage, storageKey: `saleroom-session-${tab()}`, persistSession: true },
    })
    const client = createStreamClient({
        supabase,
        lifecycle: troubles.lifecycle,
        clock: troubles.clock,
        storage: {
            getItem: async (key) => sessionStorage.getItem(key),
            setItem: async (key, value) => sessionStorage.setItem(key, value),
            removeItem: async (key) => sessionStorage.removeItem(key),
        },
    })
    return { settings, supabase, client, troubles, studio, engine: await engineFor(settings) }
}

/** Outlives a reload. */
function tab(): string {
    const known = sessionStorage.getItem('saleroom-tab') ?? systemRandom.uuid()
    sessionStorage.setItem('saleroom-tab', known)
    return known
}

export async function signIn(supabase: SupabaseClient, email: string): Promise<void> {
    const { error } = await supabase.auth.signInWithPassword({ email, password: PASSWORD })
    if (error) throw error
}

export function nameOf(user: User): string {
    return DEMO_USERS.find(({ email }) => email === user.email)?.name ?? user.email.replace(/@.*/, '')
}
