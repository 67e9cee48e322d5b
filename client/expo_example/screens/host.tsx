/** A seller's page: the own camera, and the stream that it goes to. */

import { StreamViewer, useStreamViewer } from '@pg-stream/client/react-native'
import { type ReactElement, useEffect, useState } from 'react'
import { startHostService, stopHostService } from '../modules/host-service'
import { agora, client, engine } from '../streaming'
import { Action, Line } from './parts'

interface HostProps {
    userId: string
    sessionId: string
    generation: number
    onBack: () => void
}

export function Host({ userId, sessionId, generation, onBack }: HostProps): ReactElement {
    const watched = { sessionId, userId, userRole: 'seller', generation, engine } as const
    // The same viewer as that of the component below.
    const { viewer, phase } = useStreamViewer(watched)
    const [isOnAir, setOnAir] = useState(false)
    // From going live to the end, whatever happens between: Android starts no such service for an app in the background.
    const isHeld = isOnAir && phase !== 'ended' && phase !== 'taken_over'
    useEffect(() => {
        if (!isHeld) return
        startHostService('You are live')
        return stopHostService
    }, [isHeld])
    const goLive = () => {
        setOnAir(true)
        viewer?.goLive().catch(() => {})
    }
    const end = () => client.stream.endStream(sessionId).then(onBack, onBack)
    return (
        <>
            <StreamViewer {...watched} views={agora} style={{ aspectRatio: 3 / 4 }} />
            <Line>{phase}</Line>
            {phase === 'preview' && <Action label="Go live" onPress={goLive} />}
            {phase === 'publishing' && <Action label="Switch the camera" onPress={() => void viewer?.switchCamera().catch(() => {})} />}
            <Action label="End" onPress={() => void end()} />
        </>
    )
}
