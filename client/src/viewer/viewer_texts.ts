/** What the built-in screens of a viewer say, in English, for an app to replace in part or whole. */

import type { StreamErrorCode } from '../error/stream_error.ts'

/** What a person sees over the picture or in its place. `sound_blocked` and `host_quality` come beside the others. */
export type ScreenKind =
    | 'not_started'
    | 'connecting'
    | 'first_frame'
    | 'reconnecting'
    | 'frozen'
    | 'camera_off'
    | 'hidden'
    | 'host_away'
    | 'paused'
    | 'ended'
    | 'failed'
    | 'permission_denied'
    | 'interrupted'
    | 'taken_over'
    | 'sound_blocked'
    | 'host_quality'

export interface ScreenText {
    title: string
    detail?: string
    /** On the button, where the screen has one. */
    action?: string
}

export interface ViewerTexts extends Readonly<Record<ScreenKind, ScreenText>> {
    /** Names the whole for screen readers. */
    readonly label: string
    /** A sentence for each code that ends a viewer; codes that are left out are in English. */
    readonly errors?: Partial<Readonly<Record<StreamErrorCode, string>>>
}

export const ENGLISH_TEXTS: ViewerTexts = {
    label: 'Live video',
    not_started: { title: 'Your camera is not open yet', action: 'Open the camera' },
    connecting: { title: 'Connecting…' },
    first_frame: { title: 'Waiting for the picture…' },
    reconnecting: { title: 'Reconnecting…' },
    frozen: { title: 'The picture stands still', detail: 'It goes on when the network does.' },
    camera_off: { title: 'The camera is off', action: 'Switch the camera on' },
    hidden: { title: 'The video is not in view' },
    host_away: { title: 'The seller is away', detail: 'The video goes on when the seller is back.' },
    paused: { title: 'The stream is paused' },
    ended: { title: 'The stream has ended' },
    failed: { title: 'The video cannot be shown', action: 'Try again' },
    permission_denied: {
        title: 'Camera and microphone are not allowed',
        detail: 'Allow them in the settings, then try again.',
        action: 'Try again',
    },
    interrupted: {
        title: 'Camera or microphone are in use elsewhere',
        detail: 'The video goes on when they are free again.',
    },
    taken_over: { title: 'This stream is open on another device', action: 'Use this device' },
    sound_blocked: { title: 'The sound is off', action: 'Touch to hear' },
    host_quality: { title: 'The seller has a poor connection' },
}
