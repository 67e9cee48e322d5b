/** Facts of a viewer that plays, and of a seller that sends, for tests to change. */

import { firstFacts, NEW_SENDER, type SenderFacts, type ViewerFacts } from '../../src/viewer/facts.ts'

export const CAPABILITIES = { eachFrame: true, pixels: true, layers: true, audioRoutes: true, viewVisibility: true }

const CONNECTED: Partial<ViewerFacts> = {
    isStarted: true,
    connectionState: 'connected',
    streamState: 'active',
    hostUid: 101,
    hasToken: true,
    capabilities: CAPABILITIES,
    channel: 'joined',
    hasJoined: true,
    hasView: true,
    picture: 'moving',
}

export function playing(change: Partial<ViewerFacts> = {}): ViewerFacts {
    return { ...firstFacts('buyer', 'high'), ...CONNECTED, present: host(), subscribed: 101, layer: 'high', ...change }
}

export function sending(change: Partial<ViewerFacts> = {}): ViewerFacts {
    const sent: Partial<ViewerFacts> = { wants: 'live', permission: 'granted', isPreviewing: true, isPublished: true }
    return { ...firstFacts('seller', 'high'), ...CONNECTED, ...sent, isAnnounced: true, ...change }
}

export function host(change: Partial<SenderFacts> = {}): ReadonlyMap<number, SenderFacts> {
    return new Map([[101, { ...NEW_SENDER, ...change }]])
}
