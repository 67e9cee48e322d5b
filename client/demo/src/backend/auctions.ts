/** The auctions of the demo application, and bids on them. */

import type { SupabaseClient } from '@supabase/supabase-js'

export interface Auction {
    id: string
    title: string
    description: string
    picture: string
    opening_cents: number
    seller_id: string
    seller: string
    highest_cents: number | null
    highest_bidder_id: string | null
    highest_bidder: string | null
    bid_count: number
    /** Its newest stream; null before the first. */
    session_id: string | null
    session_state: 'initializing' | 'active' | 'paused' | 'error' | 'ended' | null
}

/** The highest bid, from the list or from the log of the stream. */
export interface Bid {
    cents: number
    bidderId: string | null
    bidder: string | null
}

export async function listAuctions(supabase: SupabaseClient): Promise<Auction[]> {
    const { data, error } = await supabase.rpc('list_auctions')
    if (error) throw new Error(error.message)
    return data as Auction[]
}

/** The same id again is the same bid, also when the answer to the first was lost. */
export async function placeBid(supabase: SupabaseClient, auctionId: string, cents: number, id: string): Promise<void> {
    const { error } = await supabase.rpc('place_bid', { auction_id: auctionId, amount_cents: cents, id })
    if (error) throw new BidError(error.message, error.details)
}

export class BidError extends Error {
    /** The least bid, where this one was too low. */
    readonly leastCents: number | null

    constructor(message: string, details: string | null) {
        super(message)
        this.leastCents = details !== null && /^\d+$/.test(details) ? Number(details) : null
    }
}

/** As the database has it: the least that a bid adds to the one before it. */
export function stepOf(cents: number): number {
    if (cents < 10_000) return 500
    return cents < 100_000 ? 1_000 : 5_000
}

export function leastBid(highest: number | null, openingCents: number): number {
    return highest === null ? openingCents : highest + stepOf(highest)
}
