/** The result of an auction and the figures of its stream. */

import type { StreamSummary } from '@pg-stream/client'
import { type ReactElement, useEffect, useState } from 'react'
import type { Auction } from '../backend/auctions.ts'
import { useBackend, useUser } from '../backend/context.ts'
import { useAuctions } from '../backend/use_auctions.ts'
import { drawingOf } from '../lots/lots.ts'
import { sentence } from '../ui/attempt.ts'
import { BackBar } from '../ui/back_bar.tsx'
import { count, duration, money } from '../ui/money.ts'
import { linkTo } from '../ui/route.ts'
import { StatePanel } from '../ui/state_panel.tsx'

export function SummaryScreen({ sessionId }: { sessionId: string }): ReactElement {
    const { auctions } = useAuctions()
    const auction = auctions.find(({ session_id: id }) => id === sessionId) ?? null
    return (
        <div className="lot">
            <BackBar />
            <main className="summary-main">
                <h1 className="visually-hidden">Summary</h1>
                <SummaryPanel sessionId={sessionId} auction={auction} />
            </main>
        </div>
    )
}

interface SummaryPanelProps {
    sessionId: string
    auction: Auction | null
    /** Where the link leads to the screen that is shown already. */
    onAgain?: () => void
}

/** The figures are the seller's; buyers see the result. */
export function SummaryPanel({ sessionId, auction, onAgain }: SummaryPanelProps): ReactElement {
    const user = useUser()
    if (auction === null) return <StatePanel title="Adding it all up" isBusy />
    return (
        <section className="summary" aria-label="Summary">
            <img className="summary-picture" src={drawingOf(auction.picture)} alt="" width={400} height={400} />
            <Result auction={auction} />
            {auction.seller_id === user.id ? (
                <Figures sessionId={sessionId} bids={auction.bid_count} />
            ) : (
                <p className="quiet-note">
                    {auction.bid_count === 0 ? 'Nobody bid.' : `After ${count.format(auction.bid_count)} bids.`} Thank
                    you for watching.
                </p>
            )}
            <div className="sheet-actions">
                <a className="button" href={linkTo.lobby}>
                    All auctions
                </a>
                <Again auction={auction} onAgain={onAgain} />
            </div>
        </section>
    )
}

function Figures({ sessionId, bids }: { sessionId: string; bids: number }): ReactElement {
    const { client } = useBackend()
    const [summary, setSummary] = useState<StreamSummary | null>(null)
    const [error, setError] = useState<string | null>(null)
    useEffect(() => {
        const stop = new AbortController()
        client.stream.getStreamSummary(sessionId, { signal: stop.signal }).then(setSummary, (thrown: unknown) => {
            if (!stop.signal.aborted) setError(sentence(thrown))
        })
        return () => stop.abort()
    }, [client, sessionId])
    if (error !== null) return <StatePanel title="The figures cannot be read" text={error} />
    const shown = (value: (of: StreamSummary) => string) => (summary === null ? '–' : value(summary))
    return (
        <dl className="stats">
            <Stat name="On air" value={shown(({ durationMs }) => duration(durationMs))} />
            <Stat name="Watched" value={shown(({ uniqueViewers }) => count.format(uniqueViewers))} />
            <Stat name="At once" value={shown(({ peakViewerCount }) => count.format(peakViewerCount))} />
            <Stat name="Messages" value={shown(({ messageCount }) => count.format(messageCount))} />
            <Stat name="Bids" value={count.format(bids)} />
            <Stat name="Watch time" value={shown(({ watchMs }) => duration(watchMs))} />
        </dl>
    )
}

function Result({ auction }: { auction: Auction }): ReactElement {
    const user = useUser()
    const { highest_cents: price, highest_bidder: winner, highest_bidder_id: winnerId, title } = auction
    const words = winnerId === user.id ? 'It is yours.' : `Sold to ${winner}.`
    return (
        <div className="result">
            <p className="label">{title}</p>
            <p className="display display-small">{price === null ? 'Not sold today.' : words}</p>
            {price !== null && <p className="price numbers">{money(price)}</p>}
        </div>
    )
}

/** The seller may offer the lot again. */
function Again({ auction, onAgain }: { auction: Auction; onAgain: (() => void) | undefined }): ReactElement | null {
    const user = useUser()
    if (auction.seller_id !== user.id) return null
    return (
        <a className="button button-primary" href={linkTo.auction(auction.id)} onClick={onAgain}>
            Offer it again
        </a>
    )
}

function Stat({ name, value }: { name: string; value: string }): ReactElement {
    return (
        <div className="stat">
            <dt>{name}</dt>
            <dd className="numbers">{value}</dd>
        </div>
    )
}
