/** What a viewer does about the connection that its engine reports. */

import type { VideoEngineEvents } from './video_engine.ts'
import type { RecoveryCause } from './viewer_types.ts'

export type EngineReaction =
    /** The channel stands. */
    | { readonly kind: 'joined' }
    /** The SDK is repairing it by itself. */
    | { readonly kind: 'wait' }
    | { readonly kind: 'none' }
    | { readonly kind: 'recover'; readonly cause: RecoveryCause }
    /** Nothing helps. */
    | { readonly kind: 'end'; readonly end: 'taken_over' | 'banned' }

/** `place`: what a channel that the viewer leaves, or has left, says of itself is no news. */
export function reactionTo(
    { state, reason }: VideoEngineEvents['connection'],
    place: 'out' | 'joining' | 'in'
): EngineReaction {
    // Agora's reasons 19 and 3.
    if (reason === 'taken_over' || reason === 'banned') return { kind: 'end', end: reason }
    if (place === 'out' || reason === 'joining') return { kind: 'none' }
    // 9 and 8.
    if (reason === 'token_expired' || reason === 'token_invalid') return { kind: 'recover', cause: 'token_refused' }
    if (state === 'connected') return { kind: 'joined' }
    // 2, 13, 14 and 16.
    if (state === 'reconnecting') return { kind: 'wait' }
    // 4, and 10, which says that the SDK believes itself in the channel.
    if (reason === 'join_failed' || reason === 'refused') return { kind: 'recover', cause: 'join_failed' }
    // A join that is cancelled leaves.
    if (state === 'connecting' || (place === 'joining' && reason === 'left')) return { kind: 'none' }
    return { kind: 'recover', cause: 'connection_failed' }
}
