/** The panel of the connection: what it is like now, and the switches that break it. */

import { useChat, useConnectionState, useStream } from '@pg-stream/client/react'
import { type ReactElement, type ReactNode, useEffect, useRef } from 'react'
import { useBackend } from '../backend/context.ts'
import { SLEEP_S, useTroubles } from '../trouble/troubles.ts'
import { Icon } from '../ui/icon.tsx'
import { shortTime } from '../ui/money.ts'
import { ThemeSwitch } from '../ui/theme_switch.tsx'
import { Quality } from '../video/quality.tsx'
import { VideoFigures } from '../video/video_figures.tsx'
import { useStage } from './stage_context.ts'
import { type FrameFigures, type FrameMeter, useFrames } from './use_frames.ts'

export function ConnectionPanel({ meter, onClose }: { meter: FrameMeter; onClose(): void }): ReactElement {
    const { isSeller } = useStage()
    const ref = useRef<HTMLElement>(null)
    useEffect(() => ref.current?.focus(), [])
    useEffect(() => {
        // Wherever the focus is, except in a sheet, which Escape closes first.
        const close = ({ key }: KeyboardEvent) => {
            if (key === 'Escape' && document.querySelector('dialog[open]') === null) onClose()
        }
        addEventListener('keydown', close)
        return () => removeEventListener('keydown', close)
    }, [onClose])
    return (
        <aside ref={ref} id="connection-panel" className="panel" aria-label="Connection" tabIndex={-1}>
            <header className="sheet-head">
                <h2>Connection</h2>
                <span className="bar-end">
                    <span className="narrow-only">
                        <ThemeSwitch />
                    </span>
                    <button type="button" className="icon-button" onClick={onClose} aria-label="Close">
                        <Icon name="close" />
                    </button>
                </span>
            </header>
            <Switches />
            <Figures meter={meter} />
            {!isSeller && <Quality />}
        </aside>
    )
}

function Figures({ meter }: { meter: FrameMeter }): ReactElement {
    const { watched } = useStage()
    const { state, reason, quality } = useConnectionState(watched)
    const { state: stream, generation } = useStream(watched)
    const { headSeq, lastSeq, status } = useChat(watched)
    const frame = useFrames(meter)
    const behind = lastSeq === null ? null : headSeq - lastSeq
    return (
        <dl className="figures">
            <Figure name="Connection" value={state} detail={reason.replaceAll('_', ' ')} />
            <Figure
                name="Stream"
                value={stream ?? '–'}
                detail={generation === null ? '' : `generation ${generation}`}
            />
            <Figure name="Head seq" value={String(headSeq)} detail={lastSeq === null ? status : `${lastSeq} held`} />
            <Figure
                name="Lag"
                value={frame === null ? '–' : shortTime(frame.lagMs)}
                detail={behind === null ? '' : `${behind} behind, ${status}`}
            />
            <Figure
                name="Frame"
                value={
                    frame === null
                        ? '–'
                        : frame.fromSeq === frame.toSeq
                          ? `#${frame.toSeq}`
                          : `#${frame.fromSeq}–${frame.toSeq}`
                }
                detail={frame === null ? 'none yet' : entriesOf(frame)}
            />
            <Figure
                name="Frame window"
                value={frame?.apartMs == null ? '–' : shortTime(frame.apartMs)}
                detail={frame?.pollMs == null ? 'between frames' : `polled every ${frame.pollMs} ms`}
            />
            <Figure name="Round trip" value={`${Math.round(quality.latency)} ms`} detail={quality.quality} />
            <VideoFigures
                figure={(name, value, detail) => <Figure key={name} name={name} value={value} detail={detail} />}
            />
        </dl>
    )
}

function entriesOf({ fromSeq, toSeq }: FrameFigures): string {
    return fromSeq === toSeq ? '1 entry' : `${toSeq - fromSeq + 1} entries`
}

function Figure({ name, value, detail }: { name: string; value: string; detail: string }): ReactElement {
    return (
        <div className="figure">
            <dt>{name}</dt>
            <dd>
                <span className="figure-value numbers">{value}</span>
                <span className="figure-detail">{detail}</span>
            </dd>
        </div>
    )
}

function Switches(): ReactElement {
    const { troubles } = useBackend()
    const { isSeller } = useStage()
    const { isCut, isFrozen, isBlack } = useTroubles(troubles)
    return (
        <div className="switches">
            <Switch
                isOn={isCut}
                onChange={(isOn) => troubles.setCut(isOn)}
                text="All calls, sockets and video of this page"
            >
                Cut my network
            </Switch>
            {isSeller && (
                <>
                    <Switch
                        isOn={isFrozen}
                        onChange={(isOn) => troubles.setFrozen(isOn)}
                        text="Connected, but no frame leaves"
                    >
                        Freeze the host
                    </Switch>
                    <Switch
                        isOn={isBlack}
                        onChange={(isOn) => troubles.setBlack(isOn)}
                        text="Frames go out, and all are black"
                    >
                        Black camera
                    </Switch>
                </>
            )}
            <button type="button" className="button" onClick={() => troubles.sleep()}>
                <Icon name="moon" size={18} />
                Sleep {SLEEP_S} s
            </button>
        </div>
    )
}

interface SwitchProps {
    isOn: boolean
    onChange(isOn: boolean): void
    text: string
    children: ReactNode
}

function Switch({ isOn, onChange, text, children }: SwitchProps): ReactElement {
    return (
        <button type="button" role="switch" aria-checked={isOn} className="switch" onClick={() => onChange(!isOn)}>
            <span className="switch-words">
                <span className="switch-name">{children}</span>
                <span className="switch-text">{text}</span>
            </span>
            <span className="switch-track" aria-hidden="true" />
        </button>
    )
}
