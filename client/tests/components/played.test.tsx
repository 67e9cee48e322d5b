/** The components over the real viewer and a fake engine: from the first picture to the last screen, and nothing left behind. */
// @vitest-environment jsdom

import { act, cleanup, render, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { expect, test } from 'vitest'
import * as native from '../../src/react_native.ts'
import { StreamViewer } from '../../src/web.ts'
import { SESSION, USER } from '../fakes/fake_stream.ts'
import { type ViewerBench, viewerBench } from '../viewer/viewer_bench.ts'

const VIEWS: native.AgoraViews = { RtcSurfaceView: () => <i data-testid="native" /> }
const MOUNTS = 50

function elementOf(of: ViewerBench, platform: 'web' | 'native') {
    const props = {
        client: of.client,
        sessionId: SESSION,
        userId: USER,
        userRole: 'buyer',
        engine: of.engines,
    } as const
    return (
        <StrictMode>
            {platform === 'web' ? <StreamViewer {...props} /> : <native.StreamViewer {...props} views={VIEWS} />}
        </StrictMode>
    )
}

const advance = (of: ViewerBench, ms: number) => act(() => of.clock.advance(ms))
const status = () => screen.getByRole('status').textContent

test.each(['web', 'native'] as const)(
    '%s: every trouble of the host has its words, and the picture has none',
    async (platform) => {
        const of = viewerBench({ view: false })
        render(elementOf(of, platform))
        expect(status()).toBe('Connecting…')
        await advance(of, 2_000)
        expect(status()).toBe('')
        expect(of.engines.engines).toHaveLength(1)
        if (platform === 'native') expect(screen.getByTestId('native')).toBeTruthy()

        await act(async () => of.host.setCamera(false))
        expect(status()).toBe('The camera is off')
        await act(async () => of.host.setCamera(true))
        await advance(of, 1_000)
        expect(status()).toBe('')
        of.host.freeze()
        await advance(of, 2_100)
        expect(status()).toContain('The picture stands still')
        of.host.freeze(false)
        await advance(of, 2_000)
        expect(status()).toBe('')
        await act(async () => of.say('paused'))
        await advance(of, 100)
        expect(status()).toBe('The stream is paused')
        await act(async () => of.say('ended'))
        await advance(of, 1_000)
        expect(status()).toBe('The stream has ended')

        cleanup()
        await advance(of, 10_000)
        await of.dispose()
    }
)

test(`${MOUNTS} mounts leave no engine and no timer`, async () => {
    const of = viewerBench({ view: false })
    for (let no = 0; no < MOUNTS; no++) {
        render(elementOf(of, no % 2 === 0 ? 'web' : 'native'))
        // Some are gone before they have a picture, some before they have a token.
        await advance(of, [0, 50, 2_000][no % 3] ?? 0)
        cleanup()
        await advance(of, no % 5 === 0 ? 5_000 : 100)
    }
    await advance(of, 10_000)
    expect(of.engines.engines.length).toBeGreaterThan(2)
    expect(of.engines.engines.every(({ isDisposed }) => isDisposed)).toBe(true)
    await of.dispose()
    expect(of.clock.pending).toBe(0)
})
