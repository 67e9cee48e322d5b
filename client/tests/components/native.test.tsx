/** `<StreamViewer>` of React Native, on react-native-web with Agora's views replaced: when they are made, of which kind, and made anew. */
// @vitest-environment jsdom

import { act, fireEvent, screen } from '@testing-library/react'
import { AccessibilityInfo, Platform } from 'react-native'
import { beforeEach, expect, test, vi } from 'vitest'
import { StreamError } from '../../src/error/stream_error.ts'
import { type AgoraVideoProps, StreamViewer, type StreamViewerProps } from '../../src/react_native.ts'
import { NativeViews } from '../../src/viewer/native_views.ts'
import type { StreamViewerSnapshot } from '../../src/viewer/viewer_types.ts'
import { ADA, SESSION } from '../fake_server/scenario.ts'
import { Mounted } from './mounted.tsx'
import { viewers } from './stub_viewer.ts'

vi.mock('../../src/viewer/stream_viewer.ts', () => import('./stub_viewer.ts'))

const engine = () => {
    throw new Error('no engine is made here')
}

/** Stands for a native view; its element is another one whenever React makes it anew. */
const native = (kind: string) =>
    function NativeView({ canvas, zOrderMediaOverlay, zOrderOnTop }: AgoraVideoProps) {
        return (
            <i data-testid="native" data-props={JSON.stringify({ kind, ...canvas, zOrderMediaOverlay, zOrderOnTop })} />
        )
    }
const VIEWS = { RtcSurfaceView: native('surface'), RtcTextureView: native('texture') }
const PROPS: StreamViewerProps = { sessionId: SESSION, userId: ADA, userRole: 'buyer', engine, views: VIEWS }

let mounted: Mounted
beforeEach(() => {
    viewers.splice(0)
    mounted = new Mounted()
    Platform.OS = 'android'
})

const show = (props: Partial<StreamViewerProps> = {}) => mounted.show(<StreamViewer {...PROPS} {...props} />)
const change = (changes: Partial<StreamViewerSnapshot>) => act(() => viewers.at(-1)?.show(changes))
const nativeView = () => screen.queryByTestId('native')
const nativeProps = () => JSON.parse(nativeView()?.dataset.props ?? 'null')

test('the native view is made once the engine is there and the host is known, and draws the host alone', async () => {
    show({ objectFit: 'cover', mirror: true })
    expect(nativeView()).toBeNull()
    change({ phase: 'joining' })
    expect(nativeView()).toBeNull()
    change({ hostUid: 77 })
    expect(nativeProps()).toMatchObject({ kind: 'surface', uid: 77, renderMode: 1, mirrorMode: 1 })
    const element = nativeView()
    for (const phase of ['first_frame', 'playing', 'frozen', 'reconnecting', 'playing'] as const) change({ phase })
    change({ size: { width: 480, height: 640 } })
    expect(nativeView()).toBe(element)
    // Another device of the host took over: its picture is another.
    change({ hostUid: 78 })
    expect(nativeProps()).toMatchObject({ uid: 78 })
    expect(nativeView()).not.toBe(element)
    change({ phase: 'ended' })
    expect(nativeView()).toBeNull()
    await mounted.close()
})

test('the seller sees the own camera, which is uid 0', async () => {
    show({ userRole: 'seller' })
    change({ phase: 'preview', hostUid: 5 })
    expect(nativeProps()).toMatchObject({ uid: 0, sourceType: 0, renderMode: 2, mirrorMode: 2 })
    await mounted.close()
})

test('recovery that asks for another view, or another engine, makes the native view anew; other steps do not', async () => {
    show()
    change({ phase: 'playing', hostUid: 1 })
    const first = nativeView()
    const recover = (step: 'reattach_view' | 'resubscribe' | 'new_token' | 'rejoin' | 'new_engine') =>
        act(() => viewers.at(-1)?.events.emit('recovery', { step, cause: 'no_first_frame', attempt: 1 }))
    for (const step of ['resubscribe', 'new_token', 'rejoin'] as const) recover(step)
    expect(nativeView()).toBe(first)
    recover('reattach_view')
    const second = nativeView()
    expect(second).not.toBe(first)
    recover('reattach_view')
    const third = nativeView()
    expect(third).not.toBe(second)
    recover('new_engine')
    expect(nativeView()).not.toBe(third)
    await mounted.close()
})

test('an engine that begins to draw in the view has it made anew; other options do not', async () => {
    show()
    change({ phase: 'playing', hostUid: 1 })
    const first = nativeView()
    const drawn = new NativeViews()
    const draw = (view: unknown) => act(() => drawn.set(1, view))
    const view = viewers.at(-1)?.view
    draw(view)
    const second = nativeView()
    expect(second).not.toBe(first)
    draw(view)
    expect(nativeView()).toBe(second)
    draw(null)
    draw(view)
    expect(nativeView()).not.toBe(second)
    // A view of an app's own, which draws by itself.
    expect(() => draw({})).not.toThrow()
    await mounted.close()
})

test('an app that comes back from the background has its native view made anew', async () => {
    show()
    change({ phase: 'playing', hostUid: 1 })
    const first = nativeView()
    const visible = vi.spyOn(document, 'visibilityState', 'get')
    const become = (state: 'visible' | 'hidden') =>
        act(() => {
            visible.mockReturnValue(state)
            document.dispatchEvent(new Event('visibilitychange'))
        })
    become('visible')
    expect(nativeView()).toBe(first)
    become('hidden')
    become('visible')
    expect(nativeView()).not.toBe(first)
    await mounted.close()
})

test.each<[string, Partial<StreamViewerProps>, object]>([
    ['a plain style', {}, { kind: 'surface', zOrderMediaOverlay: false, zOrderOnTop: false }],
    ['zOrder 1', { zOrder: 1 }, { kind: 'surface', zOrderMediaOverlay: true, zOrderOnTop: false }],
    ['zOrder 2', { zOrder: 2 }, { kind: 'texture' }],
    ['zOrder 2 as a surface', { zOrder: 2, surface: 'surface' }, { kind: 'surface', zOrderOnTop: true }],
    ['corners', { style: { borderRadius: 8 } }, { kind: 'texture' }],
    ['one corner in a list', { style: [null, { borderTopLeftRadius: 8 }] }, { kind: 'texture' }],
    ['no corners', { style: { borderRadius: 0, opacity: 1 } }, { kind: 'surface' }],
    ['opacity', { style: { opacity: 0.5 } }, { kind: 'texture' }],
    ['a transformation', { style: { transform: [{ scale: 2 }] } }, { kind: 'texture' }],
    ['corners as a surface', { style: { borderRadius: 8 }, surface: 'surface' }, { kind: 'surface' }],
    ['a texture that was asked for', { surface: 'texture' }, { kind: 'texture' }],
])('Android draws %s so', async (_, props, expected) => {
    show(props)
    change({ phase: 'playing', hostUid: 1 })
    expect(nativeProps()).toMatchObject(expected)
    await mounted.close()
})

test('iOS has surfaces alone, which follow corners there', async () => {
    Platform.OS = 'ios'
    show({ style: { borderRadius: 8 }, surface: 'texture' })
    change({ phase: 'playing', hostUid: 1 })
    expect(nativeProps()).toMatchObject({ kind: 'surface' })
    await mounted.close()
})

test('screens are announced, on iOS by a call, and their buttons pressed', async () => {
    Platform.OS = 'ios'
    const announce = vi.spyOn(AccessibilityInfo, 'announceForAccessibility').mockImplementation(() => {})
    show()
    const status = screen.getByRole('status')
    expect(status.getAttribute('aria-live')).toBe('polite')
    expect(status.textContent).toBe('Connecting…')
    act(() => viewers[0]?.fail(new StreamError('timed_out', '')))
    expect(announce.mock.calls.map(([title]) => title)).toContain('The video cannot be shown')
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(viewers[0]?.calls).toContain('retry')
    await mounted.close()
})

test('an app replaces screens, and has its own views over the video', async () => {
    show({
        renderState: ({ kind }) => (kind === 'paused' ? <b>Back soon</b> : undefined),
        children: <b>overlay</b>,
    })
    change({ phase: 'paused' })
    expect(screen.getByRole('status').textContent).toBe('Back soon')
    expect(screen.getByText('overlay')).toBeTruthy()
    show({ children: ({ phase }) => <b>{phase}</b> })
    expect(screen.getByRole('status').textContent).toBe('')
    expect(screen.getByText('paused')).toBeTruthy()
    await mounted.close()
})

test('StrictMode makes one viewer, which ends a moment after the component', async () => {
    show()
    expect(viewers).toHaveLength(1)
    await mounted.close()
    expect(viewers[0]).toMatchObject({ isDisposed: true, listeners: 0, view: null })
})
