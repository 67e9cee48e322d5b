/** What a screen shows, from the facts of a viewer. */

import { hostOf, type ViewerFacts } from './facts.ts'
import { phaseOf } from './phase.ts'
import type { VideoQuality } from './video_engine.ts'
import type { StreamViewerSnapshot } from './viewer_types.ts'

export function snapshotOf(sessionId: string, facts: ViewerFacts): StreamViewerSnapshot {
    const { role, quality, streamQuality, connectionState, streamState, layer, error, hostUid, size } = facts
    const { audioBlocked, audioRoute, step, firstFrameMs, reconnectDeadline } = facts
    const phase = phaseOf(facts)
    return {
        sessionId,
        userRole: role,
        phase,
        connectionState,
        streamState,
        videoEnabled: role === 'seller' ? ownVideo(facts) : phase === 'playing' || phase === 'frozen',
        audioEnabled: role === 'seller' ? ownAudio(facts) : hostAudio(facts),
        streamQuality,
        layer,
        error,
        hostUid,
        size,
        quality,
        hostQuality: markOf(facts),
        audioBlocked,
        audioRoute: facts.capabilities?.audioRoutes === false ? 'default' : audioRoute,
        recovering: step,
        firstFrameMs,
        reconnectDeadline,
    }
}

export function isSameSnapshot(one: StreamViewerSnapshot, other: StreamViewerSnapshot): boolean {
    const names = Object.keys(one) as (keyof StreamViewerSnapshot)[]
    return names.every((name) => one[name] === other[name])
}

function ownVideo({ isPreviewing, wantedDevices, devices }: ViewerFacts): boolean {
    return isPreviewing && wantedDevices.camera && devices.camera === 'live'
}

function ownAudio({ isPreviewing, wantedDevices, devices }: ViewerFacts): boolean {
    return isPreviewing && wantedDevices.microphone && devices.microphone === 'live'
}

function hostAudio(facts: ViewerFacts): boolean {
    const isReceived = facts.subscribed !== null && facts.channel === 'joined'
    return isReceived && hostOf(facts)?.hasMicrophone === true && !facts.isMuted && !facts.audioBlocked
}

/** A viewer sees how the host's picture arrives; the host, how it goes out. */
function markOf(facts: ViewerFacts): StreamViewerSnapshot['hostQuality'] {
    const { role, quality, picture, channel } = facts
    if (channel === 'out') return null
    if (channel === 'interrupted' || picture === 'frozen') return 'poor'
    return quality === null ? null : (MARKS[markedBy(quality, role)] ?? null)
}

/** Agora's marks from 1 to 6; 0 is not known. */
const MARKS = [null, 'excellent', 'good', 'fair', 'poor', 'poor', 'poor'] as const

function markedBy({ uplink, downlink }: VideoQuality, role: ViewerFacts['role']): number {
    return role === 'seller' ? uplink : downlink
}
