/** The screens that belong to a snapshot of a viewer: what a person reads, and what one button does. Pure. */

import type { StreamErrorCode } from '../error/stream_error.ts'
import { sentenceOf } from '../messages.ts'
import type { StreamViewer } from './stream_viewer.ts'
import { ENGLISH_TEXTS, type ScreenKind, type ViewerTexts } from './viewer_texts.ts'
import type { StreamViewerSnapshot, ViewerPhase } from './viewer_types.ts'

export interface ViewerScreen {
    readonly kind: ScreenKind
    readonly title: string
    readonly detail: string | null
    /** Whether it takes the place of the picture; else it lies over what was last drawn. */
    readonly covers: boolean
    /** Whether something is under way that ends by itself. */
    readonly isBusy: boolean
    /** Null where nothing helps. A button calls `run`; sound needs to be called from a touch. */
    readonly action: { readonly label: string; readonly run: () => void } | null
}

export interface ViewerScreens {
    /** Null while the picture speaks for itself. */
    readonly main: ViewerScreen | null
    /** Beside it: sound that waits for a touch, and how the host's picture arrives. */
    readonly notices: readonly ViewerScreen[]
}

/** The screen of each phase; null: the picture alone. */
const KINDS: Readonly<Record<ViewerPhase, ScreenKind | null>> = {
    idle: 'connecting',
    token: 'connecting',
    joining: 'connecting',
    first_frame: 'first_frame',
    playing: null,
    frozen: 'frozen',
    camera_off: 'camera_off',
    hidden: 'hidden',
    host_away: 'host_away',
    reconnecting: 'reconnecting',
    paused: 'paused',
    ended: 'ended',
    failed: 'failed',
    permission_denied: 'permission_denied',
    preview: null,
    publishing: null,
    interrupted: 'interrupted',
    taken_over: 'taken_over',
}

/** Those below which the last picture stays. */
const OVERLAYS: readonly ScreenKind[] = ['frozen', 'reconnecting', 'hidden', 'sound_blocked', 'host_quality']
const BUSY: readonly ScreenKind[] = ['connecting', 'first_frame', 'reconnecting', 'frozen']
/** Where no sound is to be expected, whatever the page allows. */
const SILENT: readonly ViewerPhase[] = ['paused', 'ended', 'failed', 'taken_over', 'idle']

/** Asking again does not undo a ban, nor does it renew the app. */
const HOPELESS: readonly StreamErrorCode[] = [
    'banned',
    'cannot_view',
    'channel_refused',
    'client_too_old',
    'not_stream_owner',
    'session_not_found',
]

/** An app's texts over the English ones, screen by screen. */
export function textsWith(texts: Partial<ViewerTexts> | undefined): ViewerTexts {
    return texts === undefined ? ENGLISH_TEXTS : { ...ENGLISH_TEXTS, ...texts }
}

export function screensOf(
    snapshot: StreamViewerSnapshot,
    viewer: StreamViewer | null,
    texts: ViewerTexts = ENGLISH_TEXTS
): ViewerScreens {
    const { phase, userRole, audioBlocked, hostQuality } = snapshot
    const screen = (kind: ScreenKind): ViewerScreen => {
        const { title, detail = null, action } = texts[kind]
        const run = runOf(kind, snapshot, viewer)
        return {
            kind,
            title,
            detail: reasonOf(kind, snapshot, texts) ?? detail,
            covers: !OVERLAYS.includes(kind),
            isBusy: BUSY.includes(kind),
            action: action === undefined || run === null ? null : { label: action, run },
        }
    }
    // A seller's viewer begins when it is told to.
    const waits = phase === 'idle' && userRole === 'seller' && viewer !== null
    const kind = waits ? 'not_started' : KINDS[phase]
    const notices: ViewerScreen[] = []
    if (audioBlocked && userRole === 'buyer' && !SILENT.includes(phase)) notices.push(screen('sound_blocked'))
    if (hostQuality === 'poor' && phase === 'playing') notices.push(screen('host_quality'))
    return { main: kind === null ? null : screen(kind), notices }
}

/** Why it failed, in a sentence for the person who watches. */
function reasonOf(kind: ScreenKind, { error }: StreamViewerSnapshot, texts: ViewerTexts): string | null {
    return kind === 'failed' && error !== null ? sentenceOf(error, texts.errors) : null
}

function runOf(
    kind: ScreenKind,
    { userRole, error }: StreamViewerSnapshot,
    viewer: StreamViewer | null
): (() => void) | null {
    if (viewer === null) return null
    switch (kind) {
        case 'failed':
            return error !== null && HOPELESS.includes(error.code) ? null : () => viewer.retry()
        case 'taken_over':
            // A buyer's place moves back; a seller's needs another start of the stream, which is the app's to make.
            return error?.code === 'superseded' ? () => viewer.retry() : null
        case 'permission_denied':
            return () => viewer.retry()
        case 'not_started':
            return () => quietly(viewer.startPreview())
        case 'camera_off':
            return userRole === 'seller' ? () => quietly(viewer.setCamera(true)) : null
        case 'sound_blocked':
            return () => quietly(viewer.resumeAudio())
        default:
            return null
    }
}

/** What fails is seen in the next snapshot. */
function quietly(work: Promise<void>): void {
    work.catch(() => {})
}
