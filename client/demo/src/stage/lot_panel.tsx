/** The lot: its price, who leads, and bidding. */

import { StreamState } from '@pg-stream/client'
import { useChat, useStream } from '@pg-stream/client/react'
import { memo, type ReactElement, useState } from 'react'
import { BidError, leastBid, placeBid, stepOf } from '../backend/auctions.ts'
import { useBids } from '../backend/bids.ts'
import { useBackend } from '../backend/context.ts'
import { sentence } from '../ui/attempt.ts'
import { money } from '../ui/money.ts'
import { notify } from '../ui/toast.tsx'
import { OtherBid } from './other_bid.tsx'
import { useStage } from './stage_context.ts'

export function LotPanel(): ReactElement {
    const { auction, watched, isSeller } = useStage()
    const { messages } = useChat(watched)
    const { state } = useStream(watched)
    const { highest, count } = useBids(auction, messages)
    const leads = highest !== null && highest.bidderId === watched.userId
    return (
        <div className="lot-panel">
            <div className="lot-panel-price">
                <p className="label">{highest === null ? 'Opens at' : 'Current bid'}</p>
                <p className="price numbers" aria-live="polite">
                    {money(highest?.cents ?? auction.opening_cents)}
                </p>
                <p className={leads ? 'lot-panel-leader is-leading' : 'lot-panel-leader'}>
                    {highest === null ? 'No bid yet' : leads ? 'You lead' : highest.bidder}
                    {count > 0 && <span className="numbers"> · {count === 1 ? '1 bid' : `${count} bids`}</span>}
                </p>
            </div>
            {!isSeller && (
                <BidButtons highest={highest?.cents ?? null} isOpen={state === StreamState.ACTIVE} leads={leads} />
            )}
        </div>
    )
}

interface BidButtonsProps {
    highest: number | null
    isOpen: boolean
    leads: boolean
}

const BidButtons = memo(function BidButtons({ highest, isOpen, leads }: BidButtonsProps): ReactElement {
    const { supabase, client } = useBackend()
    const { auction } = useStage()
    const [isBusy, setBusy] = useState(false)
    const [isOther, setOther] = useState(false)
    const least = leastBid(highest, auction.opening_cents)
    const higher = least + 4 * stepOf(least)
    const bid = async (cents: number): Promise<boolean> => {
        setBusy(true)
        try {
            await placeBid(supabase, auction.id, cents, client.core.random.uuid())
            return true
        } catch (error) {
            const isTooLow = error instanceof BidError && error.leastCents !== null
            notify(
                isTooLow
                    ? `Somebody was faster: the least bid is now ${money(error.leastCents ?? 0)}.`
                    : sentence(error),
                true
            )
            return false
        } finally {
            setBusy(false)
        }
    }
    const isOff = !isOpen || isBusy
    return (
        <div className="bid-buttons">
            <button
                type="button"
                className="button button-primary numbers"
                disabled={isOff}
                onClick={() => void bid(least)}
            >
                Bid {money(least)}
            </button>
            <button type="button" className="button numbers" disabled={isOff} onClick={() => void bid(higher)}>
                {money(higher)}
            </button>
            <button type="button" className="button" disabled={isOff} onClick={() => setOther(true)}>
                Other
            </button>
            <p className="bid-note">
                {isOpen
                    ? leads
                        ? 'Yours so far. Bid again to raise it.'
                        : 'A bid is binding in the demo, too.'
                    : 'Bids open when the stream is live.'}
            </p>
            {isOther && <OtherBid least={least} onBid={bid} onClose={() => setOther(false)} />}
        </div>
    )
})
