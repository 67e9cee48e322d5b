/** Where the stack is, from the environment of the bundler: `cargo x up --host` prints all of it. */

const { EXPO_PUBLIC_SUPABASE_URL, EXPO_PUBLIC_SUPABASE_ANON_KEY, EXPO_PUBLIC_AGORA_APP_ID } = process.env

if (EXPO_PUBLIC_SUPABASE_URL === undefined) {
    throw new Error('set EXPO_PUBLIC_SUPABASE_URL and the others that `cargo x up --host` prints')
}

export const settings = {
    supabaseUrl: EXPO_PUBLIC_SUPABASE_URL,
    anonKey: EXPO_PUBLIC_SUPABASE_ANON_KEY ?? 'none',
    /** Video needs a project of Agora, whose certificate the database has. */
    agoraAppId: EXPO_PUBLIC_AGORA_APP_ID ?? '',
}
