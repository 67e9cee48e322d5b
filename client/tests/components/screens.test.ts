/** Every phase has its screen or a picture, and every screen words and, where something helps, a button. */

import { expect, test } from 'vitest'
import { StreamError, type StreamErrorCode } from '../../src/error/stream_error.ts'
import type { StreamViewer } from '../../src/viewer/stream_viewer.ts'
import { screensOf, textsWith, type ViewerScreen } from '../../src/viewer/viewer_screens.ts'
import { ENGLISH_TEXTS } from '../../src/viewer/viewer_texts.ts'
import type { StreamViewerSnapshot, ViewerPhase } from '../../src/viewer/viewer_types.ts'
import { SESSION } from '../fake_server/scenario.ts'
import { StreamViewer as StubViewer } from './stub_viewer.ts'

const stub = (userRole: 'seller' | 'buyer') =>
    new StubViewer(undefined as never, { sessionId: SESSION, userId: '', userRole, engine: undefined as never })

function screens(changes: Partial<StreamViewerSnapshot>, viewer = stub(changes.userRole ?? 'buyer')) {
    return screensOf({ ...viewer.snapshot, ...changes }, viewer as unknown as StreamViewer)
}

/** Runs the button of a screen and returns what the viewer was told. */
function told(
    changes: Partial<StreamViewerSnapshot>,
    choose: (all: ReturnType<typeof screens>) => ViewerScreen | null | undefined = (all) => all.main
): string[] {
    const viewer = stub(changes.userRole ?? 'buyer')
    const screen = choose(screens(changes, viewer))
    screen?.action?.run()
    return viewer.calls
}

const SCREENS: Record<ViewerPhase, string | null> = {
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

test.each(Object.entries(SCREENS) as [ViewerPhase, string | null][])('%s shows %s', (phase, kind) => {
    const { main } = screens({ phase })
    expect(main?.kind ?? null).toBe(kind)
    if (main !== null) expect(main.title).not.toBe('')
})

test('what was drawn last stays visible below what passes, and nothing below the rest', () => {
    const covering = Object.keys(SCREENS).filter(
        (phase) => screens({ phase: phase as ViewerPhase }).main?.covers === false
    )
    expect(covering.sort()).toEqual(['frozen', 'hidden', 'reconnecting'])
})

test('a failure says why and can be tried again, unless trying cannot help', () => {
    const failed = (code: StreamErrorCode) =>
        ({ phase: 'failed', error: new StreamError(code, 'a technical message') }) as const
    expect(screens(failed('reconnect_exhausted')).main).toMatchObject({
        detail: 'The connection could not be restored.',
        action: { label: 'Try again' },
    })
    expect(told(failed('reconnect_exhausted'))).toEqual(['retry'])
    expect(screens(failed('banned')).main).toMatchObject({ detail: 'You are banned from this stream.', action: null })
    expect(screens(failed('client_too_old')).main?.action).toBeNull()
    expect(told({ phase: 'failed', error: null })).toEqual(['retry'])
    // A place that was lost can be taken again.
    expect(told(failed('not_viewer'))).toEqual(['retry'])
})

test('work of a button that fails is no error of the page', async () => {
    const fails = async () => {
        throw new Error('refused')
    }
    const phases = [
        { phase: 'idle', userRole: 'seller' },
        { phase: 'camera_off', userRole: 'seller' },
        { phase: 'playing', audioBlocked: true },
    ] as const
    for (const changes of phases) {
        const viewer = stub('userRole' in changes ? changes.userRole : 'buyer')
        Object.assign(viewer, { startPreview: fails, setCamera: fails, resumeAudio: fails })
        const { main, notices } = screens(changes, viewer)
        const screen = main ?? notices[0]
        expect(screen?.action?.label).toBeTruthy()
        screen?.action?.run()
    }
    // Rejections that nobody took fail the run after this turn.
    await new Promise((resolve) => setTimeout(resolve))
})

test('a seller opens the camera, and a viewer that is not mounted yet connects', () => {
    const seller = { phase: 'idle', userRole: 'seller' } as const
    expect(screens(seller).main?.kind).toBe('not_started')
    expect(told(seller)).toEqual(['preview'])
    expect(screensOf({ ...stub('seller').snapshot, ...seller }, null).main?.kind).toBe('connecting')
})

test('buttons do what they say', () => {
    expect(told({ phase: 'permission_denied', userRole: 'seller' })).toEqual(['retry'])
    expect(told({ phase: 'camera_off', userRole: 'seller' })).toEqual(['camera true'])
    expect(told({ phase: 'camera_off', userRole: 'buyer' })).toEqual([])
    const takenOver = (code: 'superseded' | 'stale_host') =>
        told({ phase: 'taken_over', error: new StreamError(code, 'elsewhere') })
    expect([takenOver('superseded'), takenOver('stale_host')]).toEqual([['retry'], []])
    const notice = ({ notices }: ReturnType<typeof screens>) => notices[0]
    expect(told({ phase: 'playing', audioBlocked: true }, notice)).toEqual(['resume audio'])
})

test('blocked sound is told beside every screen where there is sound, to those who listen', () => {
    const kinds = (changes: Partial<StreamViewerSnapshot>) =>
        screens({ audioBlocked: true, ...changes }).notices.map(({ kind }) => kind)
    expect(kinds({ phase: 'playing' })).toEqual(['sound_blocked'])
    expect(kinds({ phase: 'camera_off' })).toEqual(['sound_blocked'])
    expect(kinds({ phase: 'ended' })).toEqual([])
    expect(kinds({ phase: 'publishing', userRole: 'seller' })).toEqual([])
    expect(kinds({ phase: 'playing', audioBlocked: false, hostQuality: 'poor' })).toEqual(['host_quality'])
    expect(kinds({ phase: 'playing', audioBlocked: false, hostQuality: 'fair' })).toEqual([])
})

test('an app replaces texts screen by screen, and sentences code by code', () => {
    const texts = textsWith({ paused: { title: 'Pause' }, errors: { timed_out: 'Zu langsam.' } })
    const { snapshot } = stub('buyer')
    const main = (changes: Partial<StreamViewerSnapshot>) => screensOf({ ...snapshot, ...changes }, null, texts).main
    expect(main({ phase: 'paused' })?.title).toBe('Pause')
    expect(main({ phase: 'ended' })?.title).toBe(ENGLISH_TEXTS.ended.title)
    expect(main({ phase: 'failed', error: new StreamError('timed_out', '') })?.detail).toBe('Zu langsam.')
    expect(main({ phase: 'failed', error: new StreamError('unreachable', '') })?.detail).toContain('reached')
})
