/** The auctions: those that are live first. */

import { useLiveStreams } from '@pg-stream/client/react'
import type { ReactElement } from 'react'
import { type Auction, leastBid } from '../backend/auctions.ts'
import { nameOf } from '../backend/backend.ts'
import { useBackend, useUser } from '../backend/context.ts'
import { useAuctions } from '../backend/use_auctions.ts'
import { drawingOf } from '../lots/lots.ts'
import { Avatar } from '../ui/avatar.tsx'
import { Brand } from '../ui/brand.tsx'
import { Icon } from '../ui/icon.tsx'
import { count, money } from '../ui/money.ts'
import { linkTo } from '../ui/route.ts'
import { StatePanel } from '../ui/state_panel.tsx'
import { ThemeSwitch } from '../ui/theme_switch.tsx'

export function Lobby(): ReactElement {
    const { supabase } = useBackend()
    const user = useUser()
    const { status, auctions, error, refresh } = useAuctions()
    const isLive = ({ session_state: state }: Auction) => state === 'active' || state === 'paused' || state === 'error'
    const live = auctions.filter(isLive)
    const others = auctions.filter((auction) => !isLive(auction))
    return (
        <div className="lobby">
            <header className="bar">
                <Brand />
                <span className="bar-end">
                    <ThemeSwitch />
                    <span className="who">
                        <Avatar name={nameOf(user)} />
                        <span className="who-name">{nameOf(user)}</span>
                    </span>
                    <button
                        type="button"
                        className="icon-button"
                        aria-label="Sign out"
                        onClick={() => void supabase.auth.signOut({ scope: 'local' })}
                    >
                        <Icon name="exit" />
                    </button>
                </span>
            </header>
            <main className="lobby-main">
                <h1 className="visually-hidden">Auctions</h1>
                {status === 'loading' && <StatePanel title="Reading the catalogue" isBusy />}
                {status === 'error' && (
                    <StatePanel title="The catalogue cannot be read" text={error ?? ''}>
                        <button type="button" className="button" onClick={() => void refresh()}>
                            Try again
                        </button>
                    </StatePanel>
                )}
                {status === 'ready' && (
                    <>
                        <section aria-labelledby="live-heading">
                            <h2 id="live-heading" className="section-heading">
                                Live now
                            </h2>
                            {live.length === 0 ? (
                                <p className="quiet-note">
                                    Nobody is on air.{' '}
                                    {user.email.startsWith('seller')
                                        ? 'Open one of your lots below to go live.'
                                        : 'Sign in as the seller in another tab to go live.'}
                                </p>
                            ) : (
                                <Cards auctions={live} />
                            )}
                        </section>
                        <section aria-labelledby="others-heading">
                            <h2 id="others-heading" className="section-heading">
                                The catalogue
                            </h2>
                            {others.length === 0 ? (
                                <p className="quiet-note">Every lot is on air.</p>
                            ) : (
                                <Cards auctions={others} />
                            )}
                        </section>
                    </>
                )}
            </main>
        </div>
    )
}

function Cards({ auctions }: { auctions: readonly Auction[] }): ReactElement {
    return (
        <ul className="cards">
            {auctions.map((auction) => (
                <li key={auction.id}>
                    <Card auction={auction} />
                </li>
            ))}
        </ul>
    )
}

function Card({ auction }: { auction: Auction }): ReactElement {
    const { streams } = useLiveStreams()
    const viewers = streams.find(({ auctionId }) => auctionId === auction.id)?.viewerCount
    const { session_state: state, highest_cents: highest } = auction
    const isSold = state === 'ended' && highest !== null
    return (
        <a
            className="card"
            href={isSold && auction.session_id ? linkTo.summary(auction.session_id) : linkTo.auction(auction.id)}
        >
            <span className="card-picture">
                <img src={drawingOf(auction.picture)} alt="" width={400} height={400} />
                <CardBadge state={state} viewers={viewers} />
            </span>
            <span className="card-words">
                <span className="card-title">{auction.title}</span>
                <span className="card-about">{auction.description}</span>
                <span className="card-price">
                    <span className="label">{isSold ? 'Sold for' : highest === null ? 'Opens at' : 'Current bid'}</span>
                    <span className="price-small numbers">
                        {money(highest ?? leastBid(null, auction.opening_cents))}
                    </span>
                </span>
            </span>
        </a>
    )
}

function CardBadge({
    state,
    viewers,
}: {
    state: Auction['session_state']
    viewers: number | undefined
}): ReactElement | null {
    if (state === 'active' || state === 'error')
        return (
            <span className="badge badge-live">
                Live
                {viewers !== undefined && (
                    <span className="numbers">
                        {' '}
                        · {count.format(viewers)} <span className="visually-hidden">watching</span>
                    </span>
                )}
            </span>
        )
    if (state === 'paused') return <span className="badge">Paused</span>
    if (state === 'ended') return <span className="badge">Ended</span>
    return null
}
