/** The bar above the stage: the way back, the lot, who watches, and how the connection is. */

import { ConnectionState, StreamState } from '@pg-stream/client'
import { useConnectionState, useStream } from '@pg-stream/client/react'
import type { ReactElement } from 'react'
import { Icon } from '../ui/icon.tsx'
import { count } from '../ui/money.ts'
import { linkTo } from '../ui/route.ts'
import { ThemeSwitch } from '../ui/theme_switch.tsx'
import { useStage } from './stage_context.ts'

const WORDS: Record<ConnectionState, string> = {
    [ConnectionState.CONNECTED]: 'Connected',
    [ConnectionState.CONNECTING]: 'Connecting',
    [ConnectionState.RECONNECTING]: 'Reconnecting',
    [ConnectionState.DISCONNECTED]: 'Disconnected',
    [ConnectionState.FAILED]: 'Connection failed',
}

export function StageBar({ isPanelOpen, onPanel }: { isPanelOpen: boolean; onPanel(): void }): ReactElement {
    const { auction, watched } = useStage()
    const { state, viewerCount } = useStream(watched)
    const { state: connection } = useConnectionState(watched)
    return (
        <header className="bar stage-bar">
            <a className="icon-button" href={linkTo.lobby} aria-label="All auctions">
                <Icon name="back" />
            </a>
            <p className="stage-title">
                <span className="stage-title-name">{auction.title}</span>
                <span className="stage-title-seller">by {auction.seller}</span>
            </p>
            <span className="bar-end">
                <StateBadge state={state} />
                {state !== StreamState.ENDED && (
                    <span className="viewers numbers" title="Watching now">
                        <Icon name="eye" size={18} />
                        <span className="visually-hidden">Watching: </span>
                        {viewerCount === null ? '–' : count.format(viewerCount)}
                    </span>
                )}
                <button
                    type="button"
                    className={`icon-button connection connection-${connection}`}
                    aria-expanded={isPanelOpen}
                    aria-controls="connection-panel"
                    onClick={onPanel}
                >
                    <Icon name="signal" />
                    <span className="visually-hidden">{WORDS[connection]}. Connection and switches</span>
                </button>
                <span className="wide-only">
                    <ThemeSwitch />
                </span>
            </span>
        </header>
    )
}

function StateBadge({ state }: { state: StreamState | null }): ReactElement | null {
    switch (state) {
        case StreamState.ACTIVE:
            return <span className="badge badge-live">Live</span>
        case StreamState.PAUSED:
            return <span className="badge">Paused</span>
        case StreamState.ERROR:
            return <span className="badge">Away</span>
        case StreamState.ENDED:
            return <span className="badge">Ended</span>
        case StreamState.INITIALIZING:
            return <span className="badge">Soon</span>
        default:
            return null
    }
}
