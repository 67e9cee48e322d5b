/** What a viewer makes of each event of its engine. */

import { type EngineReaction, reactionTo } from './engine_reaction.ts'
import type { EngineListener } from './engine_seat.ts'
import { NEW_SENDER, type SenderFacts, type ViewerFacts } from './facts.ts'
import type { VideoEngineEvents, VideoQuality } from './video_engine.ts'
import type { RecoveryCause } from './viewer_types.ts'

export interface HearingOptions {
    facts: () => ViewerFacts
    set: (change: Partial<ViewerFacts>) => void
    place: () => 'out' | 'joining' | 'in'
    trouble: (cause: RecoveryCause) => void
    end: (end: 'taken_over' | 'banned') => void
    onFrame: () => void
    onQuality: (quality: VideoQuality) => void
    onTokenEnds: (hasEnded: boolean) => void
    /** The sender that is seen is gone. */
    onHostLeft: () => void
}

type Hearers = { [Name in keyof VideoEngineEvents]: (event: VideoEngineEvents[Name]) => void }

/** A listener for all events of an engine. */
export function hearing(options: HearingOptions): EngineListener {
    const { facts, set, place, trouble, end, onFrame, onQuality, onTokenEnds, onHostLeft } = options

    const react = (reaction: EngineReaction): void => {
        if (reaction.kind === 'end') return end(reaction.end)
        if (reaction.kind === 'recover') return trouble(reaction.cause)
        // The join's own promise tells of the first time.
        if (reaction.kind === 'joined' && facts().channel === 'interrupted') set({ channel: 'joined', ...stale() })
        if (reaction.kind === 'wait' && facts().channel === 'joined') set({ channel: 'interrupted' })
    }

    /** A picture of before is none; where only the first of a subscription is told there will be no other sign. */
    const stale = (): Partial<ViewerFacts> =>
        facts().capabilities?.eachFrame === true ? { picture: 'none', isBlack: false } : {}

    const sender = (uid: number, change: Partial<SenderFacts>): void => {
        const known = facts().present.get(uid) ?? NEW_SENDER
        set({ present: new Map(facts().present).set(uid, { ...known, ...change }) })
    }

    const gone = (uid: number): void => {
        const { present, subscribed } = facts()
        if (!present.has(uid)) return
        const rest = new Map(present)
        rest.delete(uid)
        if (subscribed !== uid) return set({ present: rest })
        onHostLeft()
        set({ present: rest, subscribed: null, picture: 'none', isBlack: false, layer: null })
    }

    /** Whether it is about the picture that is to be seen. */
    const isSeen = (uid: number): boolean => {
        const { role, subscribed, hostUid } = facts()
        return role === 'seller' ? uid === 0 : uid === subscribed && uid === hostUid
    }

    const hearers: Hearers = {
        connection: (event) => react(reactionTo(event, place())),
        remoteJoined: ({ uid }) => sender(uid, {}),
        remoteLeft: ({ uid }) => gone(uid),
        remoteVideo: (event) => {
            if (event.state === 'stopped' && event.reason === 'left') return gone(event.uid)
            // Late words about a sender that has left bring no ghost of it.
            if (event.state !== 'starting' && !facts().present.has(event.uid)) return
            const tellsEach = facts().capabilities?.eachFrame === true
            sender(event.uid, videoOf(event, tellsEach))
            // The first picture of all is told; of one that is received anew an SDK may tell no first one.
            const wasSeen = facts().picture === 'frozen' || facts().firstFrameMs !== null
            const isBack = isSeen(event.uid) && wasSeen && event.state === 'decoding'
            if (isBack && !tellsEach) set({ picture: 'moving' })
        },
        remoteAudio: ({ uid, isOn }) => {
            if (facts().present.has(uid)) sender(uid, { hasMicrophone: isOn })
        },
        frame: ({ uid }) => {
            if (isSeen(uid)) onFrame()
        },
        size: ({ uid, width, height }) => {
            const { size } = facts()
            const isSame = size?.width === width && size.height === height
            if (isSeen(uid) && !isSame) set({ size: { width, height } })
        },
        tokenWillExpire: () => onTokenEnds(false),
        tokenExpired: () => onTokenEnds(true),
        quality: onQuality,
        local: ({ source, state }) => {
            if (state === 'denied') set({ permission: 'denied', isPreviewing: false })
            set({ devices: { ...facts().devices, [source]: state } })
            if (state === 'failed') trouble('engine_error')
        },
        audioBlocked: ({ isBlocked }) => set({ audioBlocked: isBlocked }),
    }
    return (name, event) => (hearers[name] as (event: unknown) => void)(event)
}

/** What the SDK's word about a sender's video means. */
function videoOf({ state, reason }: VideoEngineEvents['remoteVideo'], tellsEach: boolean): Partial<SenderFacts> {
    if (reason === 'fallback') return { isFallback: true }
    if (state === 'stopped' && (reason === 'muted' || reason === 'background')) return { hasCamera: false }
    if (state === 'starting' || state === 'decoding') return { hasCamera: true, isFallback: false, isStopped: false }
    // Where each frame is told, frames say it better.
    return { isStopped: !tellsEach }
}
