/** What the parts of a stage share: the auction, whom they watch as, and whether it is the seller. */

import type { ConnectionConfig } from '@pg-stream/client'
import { createContext, useContext } from 'react'
import type { Auction } from '../backend/auctions.ts'

export interface StageContext {
    readonly auction: Auction
    /** The same object as long as it means the same. */
    readonly watched: Pick<ConnectionConfig, 'sessionId' | 'userId'>
    readonly isSeller: boolean
}

const Context = createContext<StageContext | null>(null)
export const StageProvider = Context.Provider

export function useStage(): StageContext {
    const stage = useContext(Context)
    if (stage === null) throw new Error('there is no stage around this component')
    return stage
}
