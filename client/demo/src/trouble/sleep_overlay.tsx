/** What covers the page while it sleeps: the seconds that are left, and the way to wake it. */

import { type ReactElement, useEffect, useState } from 'react'
import { Sheet } from '../ui/sheet.tsx'
import { type Troubles, useTroubles } from './troubles.ts'

export function SleepOverlay({ troubles }: { troubles: Troubles }): ReactElement | null {
    const { asleepUntil } = useTroubles(troubles)
    if (asleepUntil === null) return null
    return (
        <Sheet title="Asleep" onClose={() => troubles.wake()}>
            <p className="sheet-text">
                Like a phone in a pocket: no timer of this page runs and nothing comes or goes. It wakes in{' '}
                <Countdown until={asleepUntil} /> and catches up.
            </p>
            <button type="button" className="button button-primary" onClick={() => troubles.wake()}>
                Wake now
            </button>
        </Sheet>
    )
}

function Countdown({ until }: { until: number }): ReactElement {
    const left = () => Math.max(0, Math.ceil((until - Date.now()) / 1000))
    const [seconds, setSeconds] = useState(left)
    useEffect(() => {
        const timer = setInterval(() => setSeconds(left()), 250)
        return () => clearInterval(timer)
    }, [until])
    return <strong className="numbers">{seconds} s</strong>
}
