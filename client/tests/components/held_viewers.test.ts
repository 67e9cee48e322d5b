/** Viewers are shared by what shows them: one engine, one picture at a time, silence at once and an end a moment later. */

import { beforeEach, expect, test, vi } from 'vitest'
import { DETACH_AFTER_MS } from '../../src/shared/shared.ts'
import { holdViewer } from '../../src/viewer/held_viewers.ts'
import { ADA, SESSION } from '../fake_server/scenario.ts'
import { Mounted } from './mounted.tsx'
import { viewers } from './stub_viewer.ts'

vi.mock('../../src/viewer/stream_viewer.ts', () => import('./stub_viewer.ts'))

const engine = () => {
    throw new Error('no engine is made here')
}
const OPTIONS = { sessionId: SESSION, userId: ADA, userRole: 'buyer', engine } as const

beforeEach(() => void viewers.splice(0))

test('two views of one stream share a viewer, and the one that came last has the picture until it goes', () => {
    const { client } = new Mounted()
    const tile = holdViewer(client, OPTIONS)
    const page = holdViewer(client, OPTIONS)
    expect(viewers).toHaveLength(1)
    const viewer = viewers[0]
    tile.shown.attach('tile', { objectFit: 'cover' })
    page.shown.attach('page')
    expect(viewer?.view).toBe('page')
    // What is below is told its options when its turn comes.
    tile.shown.attach('tile', { objectFit: 'contain' })
    expect(viewer?.view).toBe('page')
    page.shown.detach('page')
    expect(viewer?.views.at(-1)).toEqual(['tile', { objectFit: 'contain' }])
    tile.shown.detach('tile')
    expect(viewer?.view).toBeNull()
})

test('a viewer that nobody holds is silent at once and ends a moment later', async () => {
    const mounted = new Mounted()
    const first = holdViewer(mounted.client, OPTIONS)
    first.release()
    first.release()
    expect(viewers[0]?.calls).toEqual(['start', 'muted true'])
    await mounted.advance(DETACH_AFTER_MS - 1)
    const again = holdViewer(mounted.client, OPTIONS)
    expect(viewers[0]?.calls.at(-1)).toBe('muted false')
    await mounted.advance(DETACH_AFTER_MS * 2)
    expect(viewers[0]?.isDisposed).toBe(false)
    again.release()
    await mounted.advance(DETACH_AFTER_MS)
    expect(viewers.map(({ isDisposed }) => isDisposed)).toEqual([true])
})

test('sound that the user switched off stays off when a view comes back', () => {
    const { client } = new Mounted()
    const held = holdViewer(client, OPTIONS)
    viewers[0]?.setMuted(true)
    held.release()
    holdViewer(client, OPTIONS)
    expect(viewers[0]?.isMuted).toBe(true)
})

test('another engine, user, role or device of the seller is another viewer', async () => {
    const { client } = new Mounted()
    holdViewer(client, OPTIONS)
    holdViewer(client, { ...OPTIONS, userRole: 'seller', generation: 1 })
    holdViewer(client, { ...OPTIONS, userRole: 'seller', generation: 2 })
    expect(viewers.map(({ isDisposed }) => isDisposed)).toEqual([false, false, false])
    holdViewer(client, { ...OPTIONS, engine: () => engine() })
    // Both would join with one uid.
    expect(viewers.map(({ isDisposed }) => isDisposed)).toEqual([true, false, false, false])
    await client.dispose()
    expect(viewers.every(({ isDisposed }) => isDisposed)).toBe(true)
    expect(() => holdViewer(client, OPTIONS)).toThrow(expect.objectContaining({ code: 'disposed' }))
})
