/** What is to be asked of the engine next, as a function of the facts: one thing at a time, until nothing is left. */

import { ConnectionState } from '../connection/connection_types.ts'
import { hostOf, type ViewerFacts } from './facts.ts'
import type { LocalSource } from './video_engine.ts'
import type { RecoveryStep } from './viewer_types.ts'

export type Action =
    | { readonly do: 'token' | 'join' | 'leave' | 'layer' }
    | { readonly do: 'subscribe' | 'unsubscribe'; readonly uid: number }
    | { readonly do: 'permissions' | 'preview' | 'stop_preview' | 'publish' | 'unpublish' | 'announce' }
    | { readonly do: 'device'; readonly source: LocalSource }
    | { readonly do: 'step'; readonly step: RecoveryStep }

export function nextAction(facts: ViewerFacts): Action | null {
    if (!facts.isStarted || facts.end !== null) return null
    const { channel, subscribed, step } = facts
    // Recovery or not: nobody but the host is received, and nobody while the stream is paused.
    if (channel === 'joined' && subscribed !== null && subscribed !== wantedSender(facts)) {
        return { do: 'unsubscribe', uid: subscribed }
    }
    if (step !== null && !facts.isStepDone) return { do: 'step', step }
    if (facts.isResting) return null
    return facts.role === 'seller' ? sellerAction(facts) : buyerAction(facts)
}

function buyerAction(facts: ViewerFacts): Action | null {
    const { subscribed } = facts
    const toJoin = joinAction(facts)
    if (toJoin !== null || facts.channel !== 'joined') return toJoin
    const wanted = wantedSender(facts)
    if (subscribed === null && wanted !== null) return { do: 'subscribe', uid: wanted }
    const hasLayers = facts.capabilities?.layers === true
    return hasLayers && subscribed !== null && facts.layer !== facts.wantedLayer ? { do: 'layer' } : null
}

function wantedSender(facts: ViewerFacts): number | null {
    return hostOf(facts) !== null && facts.streamState !== 'paused' ? facts.hostUid : null
}

function sellerAction(facts: ViewerFacts): Action | null {
    const { wants, permission, isPreviewing, isPublished, streamState } = facts
    if (wants !== 'live') {
        if (isPublished) return { do: 'unpublish' }
        if (facts.channel !== 'out') return { do: 'leave' }
    }
    if (wants === 'nothing') return isPreviewing ? { do: 'stop_preview' } : null
    if (permission === 'denied') return null
    if (permission === 'unknown') return { do: 'permissions' }
    // A camera that is to stay off is not opened.
    const device = deviceAction(facts)
    if (device !== null) return device
    if (!isPreviewing) return { do: 'preview' }
    if (wants === 'preview') return null
    const toJoin = joinAction(facts)
    if (toJoin !== null || facts.channel !== 'joined') return toJoin
    const maySend = streamState !== 'paused'
    if (isPublished !== maySend) return { do: maySend ? 'publish' : 'unpublish' }
    return isPublished && streamState === 'initializing' && !facts.isAnnounced ? { do: 'announce' } : null
}

/** Without a network nothing is tried: a join would not settle, and count as a failure. */
function joinAction(facts: ViewerFacts): Action | null {
    if (facts.channel !== 'out' || !facts.isOnline) return null
    if (facts.hasToken) return { do: 'join' }
    // A viewer's comes with the place in the stream; without a place none is given.
    const mayAsk = facts.role === 'seller' || facts.connectionState === ConnectionState.CONNECTED
    return facts.isTokenAwaited || !mayAsk ? null : { do: 'token' }
}

function deviceAction({ wantedDevices, toldDevices }: ViewerFacts): Action | null {
    const source = (['camera', 'microphone'] as const).find((name) => toldDevices[name] !== wantedDevices[name])
    return source === undefined ? null : { do: 'device', source }
}
