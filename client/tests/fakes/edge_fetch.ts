/** The edge in front of a fake Supabase: its routes, its problems, its entity tags. */

import type { Fetch } from '../../src/transport/edge_transport.ts'
import type { FakeClock } from './fake_clock.ts'
import { FakeHttp, type Outcome } from './fake_http.ts'
import type { FakeSupabase } from './fake_supabase.ts'

export const EDGE_URL = 'http://edge.test'

export function edgeFetch(supabase: FakeSupabase, clock: FakeClock): Fetch {
    const http = new FakeHttp()
    http.answer = ({ name, args }): Outcome => {
        supabase.note(name, args)
        const { data, error, status } = supabase.answer(name, args)
        if (error === null) return { result: data }
        if (status === 0) return 'unreachable'
        const { code, retry_after_ms } = JSON.parse(error.details ?? '{}') as {
            code: string
            retry_after_ms: number | null
        }
        const refusal = { code, status, message: error.message }
        return retry_after_ms === null ? refusal : { ...refusal, retryAfterMs: retry_after_ms }
    }
    return async (url, init) => {
        await new Promise<void>((resolve) => void clock.after(supabase.callMs, resolve))
        return http.fetch(url, init)
    }
}
