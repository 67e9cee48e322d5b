/** What the seller does with the stream: go live, pause, resume, end, and moderate its chat. */

import { StreamState } from '@pg-stream/client'
import { useStream } from '@pg-stream/client/react'
import { type ReactElement, useState } from 'react'
import { useBackend } from '../backend/context.ts'
import { ModerationSheet } from '../chat/moderation_sheet.tsx'
import type { Source } from '../picture/studio.ts'
import { attempt } from '../ui/attempt.ts'
import { Icon } from '../ui/icon.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { useVideo } from '../video/use_video.ts'
import { useStage } from './stage_context.ts'

export function SellerControls(): ReactElement {
    const { client } = useBackend()
    const { watched } = useStage()
    const { sessionId } = watched
    const { state } = useStream(watched)
    const [isBusy, setBusy] = useState(false)
    const [sheet, setSheet] = useState<'end' | 'moderation' | null>(null)
    const run = async (action: () => Promise<unknown>) => {
        setBusy(true)
        await attempt(action)
        setBusy(false)
    }
    return (
        <div className="seller-controls">
            {(state === StreamState.INITIALIZING || state === null) && <BeforeLive isBusy={isBusy} run={run} />}
            {state === StreamState.ACTIVE && (
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
            {(state === StreamState.PAUSED || state === StreamState.ERROR) && (
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
    const { studio } = useBackend()
    const { viewer, phase } = useVideo()
    const [source, setSource] = useState<Source>(studio.source)
    const choose = (next: Source) => {
        setSource(next)
        void studio.setSource(next)
    }
    const hasPreview = phase === 'preview'
    return (
        <>
            {hasPreview ? (
                <button
                    type="button"
                    className="button button-live"
                    disabled={isBusy}
                    onClick={() => void run(async () => viewer?.goLive())}
                >
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
