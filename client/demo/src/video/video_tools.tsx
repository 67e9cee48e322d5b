/** The buttons on the video: the viewer's sound, or the seller's camera and microphone. */

import { type ReactElement, useState } from 'react'
import { useStage } from '../stage/stage_context.ts'
import { attempt } from '../ui/attempt.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { useVideo } from './use_video.ts'

export function VideoTools(): ReactElement {
    const { isSeller } = useStage()
    return <div className="video-tools">{isSeller ? <Devices /> : <Sound />}</div>
}

function Sound(): ReactElement {
    const { viewer } = useVideo()
    const [isMuted, setMuted] = useState(false)
    const toggle = () => {
        viewer?.setMuted(!isMuted)
        setMuted(!isMuted)
    }
    return <Tool icon={isMuted ? 'soundOff' : 'sound'} name="Sound" isOn={!isMuted} onClick={toggle} />
}

function Devices(): ReactElement | null {
    const { viewer, phase, videoEnabled, audioEnabled } = useVideo()
    if (viewer === null) return null
    if (phase !== 'preview' && phase !== 'publishing' && phase !== 'camera_off') return null
    return (
        <>
            <Tool
                icon={videoEnabled ? 'camera' : 'cameraOff'}
                name="Camera"
                isOn={videoEnabled}
                onClick={() => void attempt(() => viewer.setCamera(!videoEnabled))}
            />
            <Tool
                icon={audioEnabled ? 'mic' : 'micOff'}
                name="Microphone"
                isOn={audioEnabled}
                onClick={() => void attempt(() => viewer.setMicrophone(!audioEnabled))}
            />
        </>
    )
}

interface ToolProps {
    icon: IconName
    name: string
    isOn: boolean
    onClick(): void
}

function Tool({ icon, name, isOn, onClick }: ToolProps): ReactElement {
    return (
        <button type="button" className="video-tool" aria-pressed={isOn} onClick={onClick} aria-label={name}>
            <Icon name={icon} />
        </button>
    )
}
