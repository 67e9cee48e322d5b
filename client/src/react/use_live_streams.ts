/** `useLiveStreams`: the streams that are on, kept up to date while the list is shown. */

import { useMemo } from 'react'
import { holdLiveStreams } from '../live/held_lists.ts'
import type { LiveStreams, LiveStreamsSnapshot } from '../live/live_streams.ts'
import { useSource } from './source.ts'

export interface LiveStreamsList extends LiveStreamsSnapshot {
    /** Reads the list again. Never rejects. */
    refresh(): Promise<void>
    /** Adds the next page. Never rejects. */
    loadMore(): Promise<void>
}

const IDLE: LiveStreamsSnapshot = { status: 'idle', streams: [], hasMore: false, error: null }
const none = async () => {}

interface Read {
    snapshot: LiveStreamsSnapshot
    list: LiveStreams | null
}
const NOTHING: Read = { snapshot: IDLE, list: null }

export function useLiveStreams({ pageSize = 50 }: { pageSize?: number } = {}): LiveStreamsList {
    const { snapshot, list } = useSource<Read>(
        (client) => {
            let read = NOTHING
            return {
                hold(onChange) {
                    const held = holdLiveStreams(client, pageSize)
                    const list = held.list
                    read = { snapshot: list.snapshot, list }
                    const end = list.on('change', (snapshot) => {
                        read = { snapshot, list }
                        onChange()
                    })
                    return () => {
                        end()
                        held.release()
                    }
                },
                read: () => read,
            }
        },
        String(pageSize),
        NOTHING,
        (error) => ({ snapshot: { ...IDLE, status: 'error', error }, list: null })
    )
    return useMemo(() => {
        const refresh = list === null ? none : () => list.refresh()
        const loadMore = list === null ? none : () => list.loadMore()
        return { ...snapshot, refresh, loadMore }
    }, [snapshot, list])
}
