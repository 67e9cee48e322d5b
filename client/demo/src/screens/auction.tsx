/** One auction: the way in for its seller, the stage while there is a stream, the lot while there is none. */

import { StreamState } from '@pg-stream/client'
import { type ReactElement, useState } from 'react'
import type { Auction } from '../backend/auctions.ts'
import { useBackend, useUser } from '../backend/context.ts'
import { useAuctions } from '../backend/use_auctions.ts'
import { drawingOf } from '../lots/lots.ts'
import { Stage } from '../stage/stage.tsx'
import { attempt } from '../ui/attempt.ts'
import { BackBar } from '../ui/back_bar.tsx'
import { money } from '../ui/money.ts'
import { linkTo } from '../ui/route.ts'
import { StatePanel } from '../ui/state_panel.tsx'

/** A stream stays on the screen when it has ended, for its summary. */
export function AuctionScreen({ auctionId }: { auctionId: string }): ReactElement {
    const { client } = useBackend()
    const user = useUser()
    const { status, auctions, error, refresh } = useAuctions()
    const [entered, setEntered] = useState<string | null>(null)
    const auction = auctions.find(({ id }) => id === auctionId)
    if (auction === undefined) {
        if (status === 'loading') return <Waiting title="Opening the lot" />
        return (
            <Waiting
                title={status === 'error' ? 'The lot cannot be read' : 'There is no such lot'}
                text={error ?? ''}
            />
        )
    }
    const { session_id: newest, session_state: state } = auction
    const current = newest !== null && state !== StreamState.ENDED ? newest : null
    const isSeller = auction.seller_id === user.id
    const hosts = (sessionId: string) => client.stream.generationOf(sessionId) !== undefined
    const shown = entered ?? (isSeller && current !== null && !hosts(current) ? null : current)
    if (shown !== null) {
        return (
            <Stage
                key={shown}
                auction={auction}
                sessionId={shown}
                isSeller={isSeller}
                onEntered={setEntered}
                refresh={refresh}
            />
        )
    }
    if (!isSeller) return <Lot auction={auction} />
    const start = () =>
        attempt(async () => {
            const session = await client.stream.startStream(user.id, auction.id)
            setEntered(session.id)
            await refresh()
        })
    return (
        <Lot auction={auction}>
            <button type="button" className="button button-primary button-large" onClick={() => void start()}>
                {current === null ? 'Open the studio' : 'Host from here'}
            </button>
            {current !== null && (
                <p className="quiet-note">Another tab or device hosts this stream. It stops when you take over.</p>
            )}
        </Lot>
    )
}

function Waiting({ title, text }: { title: string; text?: string }): ReactElement {
    return (
        <main className="centred">
            <h1 className="visually-hidden">Auction</h1>
            <StatePanel title={title} text={text ?? ''} isBusy={text === undefined}>
                <a className="button" href={linkTo.lobby}>
                    All auctions
                </a>
            </StatePanel>
        </main>
    )
}

function Lot({ auction, children }: { auction: Auction; children?: React.ReactNode }): ReactElement {
    const { highest_cents: highest, opening_cents: opening } = auction
    return (
        <div className="lot">
            <BackBar />
            <main className="lot-main">
                <img className="lot-picture" src={drawingOf(auction.picture)} alt="" width={400} height={400} />
                <div className="lot-words">
                    <h1 className="display display-small">{auction.title}</h1>
                    <p className="lead">{auction.description}</p>
                    <p className="lot-price">
                        <span className="label">{highest === null ? 'Opens at' : 'Last bid'}</span>
                        <span className="price numbers">{money(highest ?? opening)}</span>
                    </p>
                    {children ?? (
                        <p className="quiet-note">
                            {auction.seller} is not on air yet. This page opens the stream by itself when it begins.
                        </p>
                    )}
                </div>
            </main>
        </div>
    )
}
