/** The figures of the video, for the panel of the connection. */

import type { ReactElement } from 'react'
import { useVideo } from './use_video.ts'

/** Agora's scale. */
const UPLINK = ['–', 'excellent', 'good', 'poor', 'bad', 'very bad', 'down']

interface VideoFiguresProps {
    figure(name: string, value: string, detail: string): ReactElement
}

export function VideoFigures({ figure }: VideoFiguresProps): ReactElement {
    const { phase, recovering, firstFrameMs, size, layer, hostQuality, quality, userRole } = useVideo()
    const kilobits = quality === null ? '' : `${Math.round(quality.bandwidth)} kbit/s`
    return (
        <>
            {figure(
                'Video',
                phase.replaceAll('_', ' '),
                recovering === null ? kilobits : recovering.replaceAll('_', ' ')
            )}
            {figure('First frame', firstFrameMs === null ? '–' : `${Math.round(firstFrameMs)} ms`, 'from the mount')}
            {figure(
                'Picture',
                size === null ? '–' : `${size.width} × ${size.height}`,
                layer === null ? '' : `${layer} layer`
            )}
            {figure(
                'Packet loss',
                quality === null ? '–' : `${(quality.packetLoss * 100).toFixed(1)} %`,
                'of the video'
            )}
            {userRole === 'buyer'
                ? figure('Host', hostQuality ?? '–', 'as it arrives here')
                : figure('Uplink', UPLINK[quality?.uplink ?? 0] ?? '–', 'of this device')}
        </>
    )
}
