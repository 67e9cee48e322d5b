/** What the seller does with the stream: go live, pause, resume, end, and moderate its chat. */

import { StreamState } from '@pg-stream/client'
import { useStream } from '@pg-stream/client/react'
import type { ViewerPhase } from '@pg-stream/client/viewer'
import { type ReactElement, useEffect, useState } from 'react'
import { useBackend } from '../backend/context.ts'
import { ModerationSheet } from '../chat/moderation_sheet.tsx'
import type { Source } from '../picture/studio.ts'
import { attempt } from '../ui/attempt.ts'
import { Icon } from '../ui/icon.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { useVideo } from '../video/use_video.ts'
import { useStage } from './stage_context.ts'

/** Where this device sends nothing yet, whatever the stream is: a page that was reloaded, or that has taken over, begins here. */
const BEFORE_LIVE: readonly ViewerPhase[] = ['idle', 'preview', 'permission_denied']

export function SellerControls(): ReactElement {
    const { client, studio } = useBackend()
    const { auction, watched } = useStage()
    const { sessionId, userId } = watched
    const { state, generation } = useStream(watched)
    const { viewer, phase } = useVideo()
    // The engine asks for the camera anew, and the studio gives it what is wanted now.
    useEffect(() => studio.onReplaced(() => void viewer?.switchCamera().catch(() => {})), [studio, viewer])
    const [isBusy, setBusy] = useState(false)
    const [sheet, setSheet] = useState<'end' | 'moderation' | null>(null)
    const run = async (action: () => Promise<unknown>) => {
        setBusy(true)
        await attempt(action)
        setBusy(false)
    }
    const own = client.stream.generationOf(sessionId)
    const isElsewhere = phase === 'taken_over' || (own !== undefined && generation !== null && own < generation)
    const isBefore = BEFORE_LIVE.includes(phase)
    const isSending = !isElsewhere && !isBefore
    const takeBack = async () => {
        await client.stream.startStream(userId, auction.id)
        viewer?.retry()
    }
    return (
        <div className="seller-controls">
            {isElsewhere && (
                <button
                    type="button"
                    className="button button-primary"
                    disabled={isBusy}
                    onClick={() => void run(takeBack)}
                >
                    Host from here
                </button>
            )}
            {!isElsewhere && isBefore && <BeforeLive isBusy={isBusy} run={run} />}
            {isSending && state === StreamState.ACTIVE && (
                <button
                    type="button"
                    className="button"
                    disabled={isBusy}
                    onClick={() => void run(() => client.stream.pauseStream(sessionId))}
                >
                    <Icon name="pause" size={18} />
                    Pause
                </button>
            )}
            {isSending && state === StreamState.PAUSED && (
                <button
                    type="button"
                    className="button button-primary"
                    disabled={isBusy}
                    onClick={() => void run(() => client.stream.resumeStream(sessionId))}
                >
                    <Icon name="play" size={18} />
                    Resume
                </button>
            )}
            <button
                type="button"
                className="button button-danger"
                disabled={isBusy || state === null}
                onClick={() => setSheet('end')}
            >
                <Icon name="stop" size={18} />
                End
            </button>
            <button type="button" className="button" onClick={() => setSheet('moderation')}>
                <Icon name="shield" size={18} />
                Moderate
            </button>
            {sheet === 'moderation' && <ModerationSheet onClose={() => setSheet(null)} />}
            {sheet === 'end' && (
                <Sheet title="End the auction?" onClose={() => setSheet(null)}>
                    <p className="sheet-text">The highest bid wins. Viewers see the result, and the chat closes.</p>
                    <div className="sheet-actions">
                        <button type="button" className="button" onClick={() => setSheet(null)}>
                            Go on
                        </button>
                        <button
                            type="button"
                            className="button button-danger"
                            onClick={() => {
                                setSheet(null)
                                void run(() => client.stream.endStream(sessionId))
                            }}
                        >
                            End the auction
                        </button>
                    </div>
                </Sheet>
            )}
        </div>
    )
}

interface BeforeLiveProps {
    isBusy: boolean
    run(action: () => Promise<unknown>): Promise<void>
}

/** The preview first, which nobody else sees; from it to everybody. */
function BeforeLive({ isBusy, run }: BeforeLiveProps): ReactElement {
    const { client, studio } = useBackend()
    const { watched } = useStage()
    const { state } = useStream(watched)
    const { viewer, phase } = useVideo()
    const [source, setSource] = useState<Source>(studio.source)
    const choose = (next: Source) => {
        setSource(next)
        void studio.setSource(next)
    }
    const hasPreview = phase === 'preview'
    const goLive = async () => {
        // Nothing is sent into a paused stream.
        if (state === StreamState.PAUSED) await client.stream.resumeStream(watched.sessionId)
        await viewer?.goLive()
    }
    return (
        <>
            {hasPreview ? (
                <button type="button" className="button button-live" disabled={isBusy} onClick={() => void run(goLive)}>
                    Go live
                </button>
            ) : (
                <button
                    type="button"
                    className="button button-primary"
                    disabled={isBusy || viewer === null}
                    onClick={() => void run(async () => viewer?.startPreview())}
                >
                    Start the preview
                </button>
            )}
            <span className="choices">
                {(['camera', 'drawn'] as const).map((one) => (
                    <button
                        key={one}
                        type="button"
                        className="choice"
                        aria-pressed={source === one}
                        onClick={() => choose(one)}
                    >
                        {one === 'camera' ? 'Camera' : 'Drawn picture'}
                    </button>
                ))}
            </span>
        </>
    )
}
