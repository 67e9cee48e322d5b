/** Settings of the function, from the variables of its environment. */

/** Where the operation is called, with the service's key. */
export interface Project {
    url: string
    key: string
}

export interface Settings {
    /** What notices are signed with: none, one, or two while it is being changed. */
    secrets: readonly Uint8Array<ArrayBuffer>[]
    /** Null: a variable of Supabase is missing. */
    project: Project | null
}

const SECRETS = ['AGORA_WEBHOOK_SECRET', 'AGORA_WEBHOOK_SECRET_SECONDARY']

/** `variable` reads one of the environment. */
export function settingsOf(variable: (name: string) => string | undefined): Settings {
    const url = variable('SUPABASE_URL')?.replace(/\/+$/, '')
    const key = secretKey(variable('SUPABASE_SECRET_KEYS')) ?? variable('SUPABASE_SERVICE_ROLE_KEY')
    return {
        secrets: SECRETS.flatMap((name) => {
            const secret = variable(name)
            return secret ? [new TextEncoder().encode(secret)] : []
        }),
        project: url && key ? { url, key } : null,
    }
}

/** The default one among a project's secret keys, which Supabase writes as a JSON object; undefined where it has only the older keys. */
function secretKey(keys: string | undefined): string | undefined {
    if (!keys) {
        return undefined
    }
    try {
        const named: unknown = JSON.parse(keys)
        if (typeof named !== 'object' || named === null) {
            return undefined
        }
        const all = Object.entries(named)
        const [, key] = all.find(([name]) => name === 'default') ?? all[0] ?? []
        return typeof key === 'string' && key !== '' ? key : undefined
    } catch {
        return undefined
    }
}
