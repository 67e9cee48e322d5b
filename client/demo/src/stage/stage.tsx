/** The stage: video, lot and bids, chat. Each part reads what it shows by itself, so that a message redraws the chat alone. */

import { StreamState } from '@pg-stream/client'
import { useStream } from '@pg-stream/client/react'
import { type ReactElement, useEffect, useMemo, useState } from 'react'
import type { Auction } from '../backend/auctions.ts'
import { useBackend, useUser } from '../backend/context.ts'
import { ChatPanel } from '../chat/chat_panel.tsx'
import { drawingOf } from '../lots/lots.ts'
import { SummaryPanel } from '../screens/summary.tsx'
import { VideoPanel } from '../video/video.tsx'
import { ConnectionPanel } from './connection_panel.tsx'
import { LotPanel } from './lot_panel.tsx'
import { Floats } from './reaction_floats.tsx'
import { SellerControls } from './seller_controls.tsx'
import { StageBar } from './stage_bar.tsx'
import { type StageContext, StageProvider } from './stage_context.ts'
import { useFrameMeter } from './use_frames.ts'

interface StageProps {
    auction: Auction
    sessionId: string
    isSeller: boolean
    /** The stream is on the screen: it stays there until the user leaves. */
    onEntered(sessionId: string | null): void
    refresh(): Promise<void>
}

export function Stage({ auction, sessionId, isSeller, onEntered, refresh }: StageProps): ReactElement {
    const { studio, client } = useBackend()
    const user = useUser()
    const [isPanelOpen, setPanelOpen] = useState(false)
    const watched = useMemo(() => ({ sessionId, userId: user.id }), [sessionId, user.id])
    const { state } = useStream(watched)
    const meter = useFrameMeter(client, sessionId, user.id)
    useEffect(() => onEntered(sessionId), [sessionId, onEntered])
    useEffect(() => studio.show(drawingOf(auction.picture)), [studio, auction.picture])
    // The list knows the last bid of an auction that ends.
    useEffect(() => void refresh(), [state, refresh])
    const hasEnded = state === StreamState.ENDED
    const context = useMemo<StageContext>(() => ({ auction, watched, isSeller }), [auction, watched, isSeller])
    return (
        <StageProvider value={context}>
            <div className={hasEnded ? 'stage stage-ended' : 'stage'} data-session={sessionId}>
                <StageBar isPanelOpen={isPanelOpen} onPanel={() => setPanelOpen(!isPanelOpen)} />
                <main className="stage-main">
                    <h1 className="visually-hidden">{auction.title}</h1>
                    {hasEnded ? (
                        <SummaryPanel sessionId={sessionId} auction={auction} onAgain={() => onEntered(null)} />
                    ) : (
                        <>
                            <section className="stage-video" aria-label="Video">
                                <VideoPanel>
                                    <Floats />
                                </VideoPanel>
                            </section>
                            <section className="stage-lot" aria-label="Lot and bids">
                                <LotPanel />
                                {isSeller && <SellerControls />}
                            </section>
                        </>
                    )}
                    <ChatPanel />
                </main>
                {isPanelOpen && <ConnectionPanel meter={meter} onClose={() => setPanelOpen(false)} />}
            </div>
        </StageProvider>
    )
}
