/** Lists of live streams by client and size of page, shared by the views that show them. */

import type { StreamClient } from '../client.ts'
import { StreamError } from '../error/stream_error.ts'
import { Shared } from '../shared/shared.ts'
import { LiveStreams } from './live_streams.ts'

const LISTS = /* @__PURE__ */ new WeakMap<StreamClient, Shared<LiveStreams>>()

/** A share of the list of streams that are on; it is kept up to date while somebody holds it. */
export function holdLiveStreams(client: StreamClient, pageSize: number): { list: LiveStreams; release: () => void } {
    if (client.isDisposed) throw new StreamError('disposed')
    const lists = LISTS.get(client) ?? listsOf(client)
    const { value, release } = lists.hold(String(pageSize), () => new LiveStreams(client.core, pageSize))
    return { list: value, release }
}

function listsOf(client: StreamClient): Shared<LiveStreams> {
    const lists = new Shared<LiveStreams>(client.core.clock, (list) => list.dispose())
    LISTS.set(client, lists)
    client.onDispose(() => lists.dispose())
    return lists
}
