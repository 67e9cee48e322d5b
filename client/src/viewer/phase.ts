/** The phase of a viewer as a function of what it knows: every set of facts has one, and only one. */

import { hostOf, isSeen, type ViewerFacts } from './facts.ts'
import type { RecoveryStep, ViewerPhase } from './viewer_types.ts'

export function phaseOf(facts: ViewerFacts): ViewerPhase {
    if (!facts.isStarted) return 'idle'
    if (facts.end !== null) return facts.end
    return facts.role === 'seller' ? sellerPhase(facts) : buyerPhase(facts)
}

function buyerPhase(facts: ViewerFacts): ViewerPhase {
    if (facts.streamState === 'paused') return 'paused'
    const onTheWay = channelPhase(facts)
    if (onTheWay !== null) return onTheWay
    const host = hostOf(facts)
    if (host === null) return 'host_away'
    if (!isSeen(facts)) return 'hidden'
    if (!host.hasCamera || facts.isBlack) return 'camera_off'
    if (host.isFallback) return 'frozen'
    if (facts.picture === 'moving') return 'playing'
    if (facts.streamState === 'error') return 'host_away'
    return facts.picture === 'none' ? 'first_frame' : 'frozen'
}

function sellerPhase(facts: ViewerFacts): ViewerPhase {
    const { wants, permission, devices, wantedDevices } = facts
    if (wants === 'nothing') return 'idle'
    if (permission === 'denied') return 'permission_denied'
    if (devices.camera === 'interrupted' || devices.microphone === 'interrupted') return 'interrupted'
    if (wants === 'preview') return facts.isPreviewing ? 'preview' : 'idle'
    const onTheWay = channelPhase(facts)
    if (onTheWay !== null) return onTheWay
    if (facts.streamState === 'paused') return 'paused'
    if (!facts.isPublished) return 'joining'
    if (!wantedDevices.camera || devices.camera === 'off') return 'camera_off'
    return facts.picture === 'frozen' ? 'frozen' : 'publishing'
}

const RECONNECTING: readonly (RecoveryStep | null)[] = ['new_token', 'rejoin', 'new_engine']

/** Until the channel is joined and its connection stands; null then. */
function channelPhase(facts: ViewerFacts): ViewerPhase | null {
    const { channel, hasJoined, hasToken, step, isResting } = facts
    if (channel === 'interrupted' || isResting) return 'reconnecting'
    if (channel === 'joined') return RECONNECTING.includes(step) && facts.picture !== 'moving' ? 'reconnecting' : null
    if (hasJoined || step !== null) return 'reconnecting'
    return hasToken ? 'joining' : 'token'
}
