/** What a viewer knows at one moment. Its phase, its next action and its snapshot are functions of these facts. */

import { ConnectionState } from '../connection/connection_types.ts'
import type { StreamError } from '../error/stream_error.ts'
import type { StreamState } from '../stream/stream_types.ts'
import type { AudioRoute, LocalSource, VideoEngineCapabilities, VideoLayer, VideoQuality } from './video_engine.ts'
import type { RecoveryStep, StreamQuality } from './viewer_types.ts'

/** What a device of the seller does. */
export type DeviceState = 'live' | 'off' | 'interrupted' | 'denied' | 'failed'

/** What the SDK has said of one sender. */
export interface SenderFacts {
    readonly hasCamera: boolean
    readonly hasMicrophone: boolean
    /** The network allows sound alone. */
    readonly isFallback: boolean
    /** No picture comes, says the SDK; of use where frames are not told one by one. */
    readonly isStopped: boolean
}

export const NEW_SENDER: SenderFacts = { hasCamera: true, hasMicrophone: true, isFallback: false, isStopped: false }

export interface ViewerFacts {
    readonly role: 'seller' | 'buyer'
    readonly isStarted: boolean
    /** Over until `retry()`: nothing is asked of the engine any more. */
    readonly end: 'ended' | 'failed' | 'taken_over' | null
    readonly error: StreamError | null

    readonly connectionState: ConnectionState
    readonly streamState: StreamState | null
    readonly hostUid: number | null
    readonly reconnectDeadline: Date | null

    readonly isOnline: boolean
    /** The app is in front. */
    readonly isAwake: boolean

    readonly hasToken: boolean
    /** A token was asked for and refused for now; the next attempt is planned. */
    readonly isTokenAwaited: boolean

    readonly capabilities: VideoEngineCapabilities | null
    readonly channel: 'out' | 'joined' | 'interrupted'
    /** Since the start, or the last retry. */
    readonly hasJoined: boolean
    /** Senders in the channel. */
    readonly present: ReadonlyMap<number, SenderFacts>
    /** The sender that is received. */
    readonly subscribed: number | null

    readonly hasView: boolean
    readonly isViewVisible: boolean
    readonly picture: 'none' | 'moving' | 'frozen'
    readonly isBlack: boolean
    readonly size: { readonly width: number; readonly height: number } | null
    readonly firstFrameMs: number | null
    readonly quality: VideoQuality | null

    readonly isMuted: boolean
    readonly audioBlocked: boolean
    readonly audioRoute: AudioRoute
    readonly streamQuality: StreamQuality
    readonly wantedLayer: VideoLayer
    readonly layer: VideoLayer | null

    /** The rung that is tried, and whether it was carried out; null while nothing is wrong. */
    readonly step: RecoveryStep | null
    readonly isStepDone: boolean
    /** Between two rounds of recovery. */
    readonly isResting: boolean

    /** What the seller wants. */
    readonly wants: 'nothing' | 'preview' | 'live'
    readonly permission: 'unknown' | 'granted' | 'denied'
    readonly isPreviewing: boolean
    readonly isPublished: boolean
    /** The stream was told that it is live. */
    readonly isAnnounced: boolean
    readonly wantedDevices: Readonly<Record<LocalSource, boolean>>
    /** As the engine was told; null: it has to be told again. */
    readonly toldDevices: Readonly<Record<LocalSource, boolean | null>>
    readonly devices: Readonly<Record<LocalSource, DeviceState>>
}

/** What is left of a channel that was left. */
export const OUTSIDE: Pick<
    ViewerFacts,
    'channel' | 'present' | 'subscribed' | 'picture' | 'isBlack' | 'layer' | 'isPublished'
> = {
    channel: 'out',
    present: new Map(),
    subscribed: null,
    picture: 'none',
    isBlack: false,
    layer: null,
    isPublished: false,
}

/** What is left of an engine that was disposed of. */
export const WITHOUT_ENGINE: typeof OUTSIDE &
    Pick<ViewerFacts, 'capabilities' | 'isPreviewing' | 'toldDevices' | 'devices' | 'audioBlocked'> = {
    ...OUTSIDE,
    capabilities: null,
    audioBlocked: false,
    devices: { camera: 'live', microphone: 'live' },
    isPreviewing: false,
    // Engines begin with both on.
    toldDevices: { camera: true, microphone: true },
}

export function firstFacts(role: ViewerFacts['role'], streamQuality: StreamQuality): ViewerFacts {
    return {
        ...WITHOUT_ENGINE,
        role,
        isStarted: false,
        end: null,
        error: null,
        connectionState: ConnectionState.DISCONNECTED,
        streamState: null,
        hostUid: null,
        reconnectDeadline: null,
        isOnline: true,
        isAwake: true,
        hasToken: false,
        isTokenAwaited: false,
        hasJoined: false,
        hasView: false,
        isViewVisible: true,
        size: null,
        firstFrameMs: null,
        quality: null,
        isMuted: false,
        audioRoute: 'default',
        streamQuality,
        wantedLayer: 'high',
        step: null,
        isStepDone: false,
        isResting: false,
        wants: 'nothing',
        permission: 'unknown',
        isAnnounced: false,
        wantedDevices: { camera: true, microphone: true },
    }
}

/** What is known of the host's video; null while the host is not in the channel. */
export function hostOf({ hostUid, present }: ViewerFacts): SenderFacts | null {
    return hostUid === null ? null : (present.get(hostUid) ?? null)
}

/** Whether somebody could see a picture at all. */
export function isSeen({ hasView, isViewVisible, isAwake }: ViewerFacts): boolean {
    return hasView && isViewVisible && isAwake
}

/** Which picture is owed to the viewer: the first one of a subscription, the next one after others, or none. */
export function expectedFrame(facts: ViewerFacts): 'first' | 'next' | 'none' {
    if (!facts.isStarted || facts.end !== null || facts.channel !== 'joined' || !isSeen(facts)) return 'none'
    const tellsEach = facts.capabilities?.eachFrame === true
    if (facts.role === 'seller') {
        // An engine may not tell of the own frames: they are owed from the first one on.
        const isSent = facts.isPublished && facts.wantedDevices.camera && facts.devices.camera === 'live'
        return isSent && facts.picture !== 'none' && tellsEach ? 'next' : 'none'
    }
    const host = hostOf(facts)
    const isReceived = host !== null && facts.subscribed === facts.hostUid && facts.streamState !== 'paused'
    if (!isReceived || !host.hasCamera || host.isFallback) return 'none'
    if (facts.picture === 'none') return 'first'
    return tellsEach || host.isStopped ? 'next' : 'none'
}

/** Whether a picture that does not come is this viewer's trouble: not while the server itself has lost the host. */
export function isOwnTrouble({ streamState, isOnline }: ViewerFacts): boolean {
    return streamState !== 'error' && isOnline
}

/** Whether what recovery is for is there: a picture that moves. */
export function isWell(facts: ViewerFacts): boolean {
    const { channel, picture, isBlack, devices } = facts
    if (channel !== 'joined' || picture !== 'moving' || isBlack) return false
    if (facts.role === 'buyer') return hostOf(facts)?.isStopped === false
    return facts.isPublished && devices.camera !== 'failed' && devices.microphone !== 'failed'
}

/** Whether recovery has nothing to wait for: the channel stands, and no picture is owed. */
export function isQuiet(facts: ViewerFacts): boolean {
    if (facts.channel !== 'joined' || expectedFrame(facts) !== 'none') return false
    if (facts.role === 'buyer') {
        const isWanted = hostOf(facts) !== null && facts.streamState !== 'paused'
        return facts.subscribed === (isWanted ? facts.hostUid : null)
    }
    return facts.isPublished || facts.streamState === 'paused'
}
