/** A component without any client shows that as a failure instead of waiting for ever. */
// @vitest-environment jsdom

import { cleanup, render, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { StreamViewer } from '../../src/web.ts'
import { ADA, SESSION } from '../fake_server/scenario.ts'

test('without a provider and without `client` the failure is shown', () => {
    render(
        <StreamViewer
            sessionId={SESSION}
            userId={ADA}
            userRole="buyer"
            engine={() => {
                throw new Error('not made')
            }}
        />
    )
    expect(screen.getByRole('status').textContent).toContain('The video cannot be shown')
    cleanup()
})
