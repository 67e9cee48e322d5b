/** What the server tells the app before anything else: the key of the project, and how video is carried. */

export interface Settings {
    supabaseUrl: string
    anonKey: string
    /** Null: the loopback engine carries the video. */
    agoraAppId: string | null
}

export async function loadSettings(): Promise<Settings> {
    const answer = await fetch(`${import.meta.env.BASE_URL}settings.json`)
    if (!answer.ok) throw new Error(`the settings could not be read (${answer.status})`)
    const { anonKey, agoraAppId } = (await answer.json()) as { anonKey: string; agoraAppId: string | null }
    return { supabaseUrl: location.origin, anonKey, agoraAppId }
}
