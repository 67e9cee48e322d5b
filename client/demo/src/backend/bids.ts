/** The highest bid of an auction while its stream is watched: from the list at first, then from the log. */

import type { ChatMessage } from '@pg-stream/client'
import { useMemo } from 'react'
import type { Auction, Bid } from './auctions.ts'

/** The bid that an entry of the log tells of; null for all other entries. */
export function bidOf({ messageType, metadata }: ChatMessage): (Bid & { cents: number }) | null {
    const { amount_cents: cents, bidder_id: bidderId, bidder } = metadata
    if (messageType !== 'auction_update' || typeof cents !== 'number') return null
    return { cents, bidderId: String(bidderId), bidder: String(bidder) }
}

export interface Bids {
    highest: Bid | null
    /** Those of the list, and those that the log has brought since. */
    count: number
}

export function useBids(auction: Auction | null, messages: readonly ChatMessage[]): Bids {
    return useMemo(() => {
        let highest: Bid | null = null
        let count = auction?.bid_count ?? 0
        if (auction !== null && auction.highest_cents !== null) {
            const { highest_cents: cents, highest_bidder_id: bidderId, highest_bidder: bidder } = auction
            highest = { cents, bidderId, bidder }
        }
        const listed = highest?.cents ?? 0
        for (let index = messages.length - 1; index >= 0; index--) {
            const bid = bidOf(messages[index] as ChatMessage)
            if (bid === null) continue
            // Each bid is higher than the one before it.
            if (bid.cents <= listed) break
            count++
            if (highest === null || bid.cents > highest.cents) highest = bid
        }
        return { highest, count }
    }, [auction, messages])
}
