/** `<StreamViewer>` in a browser's page: screens, buttons by keyboard, an app's own screens, one viewer for StrictMode and for rotations. */
// @vitest-environment jsdom

import { act, fireEvent, screen } from '@testing-library/react'
import { beforeEach, expect, test, vi } from 'vitest'
import { StreamError } from '../../src/error/stream_error.ts'
import type { StreamViewerSnapshot } from '../../src/viewer/viewer_types.ts'
import { StreamViewer, type StreamViewerProps, useStreamViewer } from '../../src/web.ts'
import { ADA, SESSION } from '../fake_server/scenario.ts'
import { Mounted } from './mounted.tsx'
import { viewers } from './stub_viewer.ts'

vi.mock('../../src/viewer/stream_viewer.ts', () => import('./stub_viewer.ts'))

const engine = () => {
    throw new Error('no engine is made here')
}
const PROPS: StreamViewerProps = { sessionId: SESSION, userId: ADA, userRole: 'buyer', engine }

let mounted: Mounted
beforeEach(() => {
    viewers.splice(0)
    mounted = new Mounted()
})

const show = (props: Partial<StreamViewerProps> = {}) => mounted.show(<StreamViewer {...PROPS} {...props} />)
const change = (changes: Partial<StreamViewerSnapshot>) => act(() => viewers.at(-1)?.show(changes))
const status = () => screen.getByRole('status')
const video = (container: HTMLElement) => container.querySelector('[data-part=video]')

test('says what happens in a region that screen readers know from the start, and is silent while the picture plays', async () => {
    show()
    expect(status().textContent).toBe('Connecting…')
    expect(status().getAttribute('aria-live')).toBe('polite')
    expect(screen.getByRole('group', { name: 'Live video' }).getAttribute('aria-busy')).toBe('true')
    change({ phase: 'playing' })
    expect(status().textContent).toBe('')
    expect(screen.getByRole('group').getAttribute('aria-busy')).toBe('false')
    change({ phase: 'host_away' })
    expect(status().textContent).toContain('The seller is away')
    await mounted.close()
})

test('a failure is tried again by its button, which the keyboard reaches', async () => {
    const onError = vi.fn()
    show({ onError })
    act(() => viewers[0]?.fail(new StreamError('reconnect_exhausted', '')))
    expect(onError.mock.calls.map(([error]) => error.code)).toEqual(['reconnect_exhausted'])
    const button = screen.getByRole('button', { name: 'Try again' })
    button.focus()
    expect(document.activeElement).toBe(button)
    expect(button.getAttribute('type')).toBe('button')
    fireEvent.click(button)
    expect(viewers[0]?.calls).toContain('retry')
    await mounted.close()
})

test('sound that waits for a touch is started by one', async () => {
    show()
    change({ phase: 'playing', audioBlocked: true })
    fireEvent.click(screen.getByRole('button', { name: 'Touch to hear' }))
    expect(viewers[0]?.calls).toContain('resume audio')
    change({ audioBlocked: false })
    expect(screen.queryByRole('button')).toBeNull()
    await mounted.close()
})

test('StrictMode makes one viewer, and the last component that goes ends it a moment later', async () => {
    show()
    expect(viewers).toHaveLength(1)
    expect(viewers[0]?.calls).toEqual(['start', 'muted true', 'muted false'])
    await mounted.advance(10_000)
    expect(viewers[0]?.isDisposed).toBe(false)
    await mounted.close()
    expect(viewers[0]).toMatchObject({ isDisposed: true, listeners: 0, view: null })
})

test('the view stays the same element through screens, sizes and other options', async () => {
    const { container } = show({ objectFit: 'cover' })
    const element = video(container)
    expect(viewers[0]?.views.at(-1)).toEqual([element, { objectFit: 'cover', mirror: false }])
    for (const phase of ['playing', 'frozen', 'reconnecting', 'playing'] as const) change({ phase })
    change({ size: { width: 640, height: 480 } })
    change({ size: { width: 480, height: 640 } })
    show({ objectFit: 'contain', mirror: true })
    expect(video(container)).toBe(element)
    expect(viewers[0]?.views.at(-1)).toEqual([element, { objectFit: 'contain', mirror: true }])
    expect(viewers).toHaveLength(1)
    // Never taken out in between, which would be a flash of black.
    expect(viewers[0]?.views.every(([view]) => view === element)).toBe(true)
    await mounted.close()
})

test('an engine that is made in a render is taken once', async () => {
    show({ engine: () => engine() })
    show({ engine: () => engine() })
    expect(viewers).toHaveLength(1)
    await mounted.close()
})

test('another stream is another viewer, and the one before ends', async () => {
    const other = '00000000-0000-4000-8000-000000000002'
    show()
    show({ sessionId: other })
    await mounted.advance(3_000)
    expect(viewers.map(({ options, isDisposed }) => [options.sessionId, isDisposed])).toEqual([
        [SESSION, true],
        [other, false],
    ])
    await mounted.close()
})

test('the state of the connection is told when it changes, to the function of the newest render', async () => {
    const first = vi.fn()
    const second = vi.fn()
    show({ onConnectionStateChange: first })
    expect(first.mock.calls.at(-1)).toEqual(['connecting'])
    show({ onConnectionStateChange: second })
    change({ connectionState: 'connected' })
    change({ phase: 'playing' })
    expect(second.mock.calls).toEqual([['connected']])
    await mounted.close()
})

test('the quality is changed without another viewer', async () => {
    show({ quality: 'low' })
    expect(viewers[0]?.options.quality).toBe('low')
    show({ quality: 'high' })
    expect(viewers[0]?.calls.filter((call) => call.startsWith('quality'))).toEqual(['quality high'])
    expect(viewers).toHaveLength(1)
    await mounted.close()
})

test('an app replaces one screen, or leaves it out, and keeps the others', async () => {
    show({
        renderState: ({ kind, title }) => {
            if (kind === 'paused') return <p>Back soon ({title})</p>
            return kind === 'ended' ? null : undefined
        },
        children: <p>overlay</p>,
    })
    change({ phase: 'paused' })
    expect(status().textContent).toBe('Back soon (The stream is paused)')
    change({ phase: 'ended' })
    expect(status().textContent).toBe('')
    change({ phase: 'host_away' })
    expect(status().textContent).toContain('away')
    expect(screen.getByText('overlay')).toBeTruthy()
    await mounted.close()
})

test('children that are a function draw every screen themselves', async () => {
    show({ children: ({ phase, viewer }) => <p>{`${phase} ${viewer !== null}`}</p> })
    change({ phase: 'failed' })
    expect(screen.getByText('failed true')).toBeTruthy()
    expect(screen.queryByRole('button')).toBeNull()
    await mounted.close()
})

test('a hook elsewhere in the page has the same viewer', async () => {
    function Controls() {
        const { viewer, phase } = useStreamViewer({ ...PROPS })
        return (
            <button type="button" onClick={() => void viewer?.retry()}>
                {phase}
            </button>
        )
    }
    mounted.show(
        <>
            <StreamViewer {...PROPS} />
            <Controls />
        </>
    )
    expect(viewers).toHaveLength(1)
    change({ phase: 'playing' })
    fireEvent.click(screen.getByRole('button', { name: 'playing' }))
    expect(viewers[0]?.calls).toContain('retry')
    await mounted.close()
})

test('a disposed client is a failure that is shown and told, not one that is thrown', async () => {
    const onError = vi.fn()
    await mounted.client.dispose()
    show({ onError })
    expect(status().textContent).toContain('The video cannot be shown')
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: 'disposed' })
    await mounted.close()
})

test('styles and classes of the app win', async () => {
    show({ className: 'mine', style: { aspectRatio: '4 / 3' }, zOrder: 2 })
    const box = screen.getByRole('group')
    expect(box.className).toBe('mine')
    expect([box.style.aspectRatio, box.style.zIndex, box.style.position]).toEqual(['4 / 3', '2', 'relative'])
    await mounted.close()
})
