/** The auctions, read again whenever a stream begins or ends, and now and then. */

import { useLiveStreams } from '@pg-stream/client/react'
import { useCallback, useEffect, useState } from 'react'
import { type Auction, listAuctions } from './auctions.ts'
import { useBackend } from './context.ts'

const EVERY_MS = 8_000

export interface Auctions {
    status: 'loading' | 'ready' | 'error'
    auctions: readonly Auction[]
    error: string | null
    refresh(): Promise<void>
}

export function useAuctions(): Auctions {
    const { supabase } = useBackend()
    const [read, setRead] = useState<Omit<Auctions, 'refresh'>>({ status: 'loading', auctions: [], error: null })
    const { streams } = useLiveStreams()
    const refresh = useCallback(async () => {
        try {
            setRead({ status: 'ready', auctions: await listAuctions(supabase), error: null })
        } catch (error) {
            const message = error instanceof Error ? error.message : String(error)
            // What was read before is better than nothing.
            setRead((before) => ({ ...before, status: before.status === 'ready' ? 'ready' : 'error', error: message }))
        }
    }, [supabase])
    const live = streams.map(({ sessionId, state }) => `${sessionId} ${state}`).join()
    useEffect(() => {
        void refresh()
        const timer = setInterval(() => void refresh(), EVERY_MS)
        return () => clearInterval(timer)
    }, [refresh, live])
    return { ...read, refresh }
}
