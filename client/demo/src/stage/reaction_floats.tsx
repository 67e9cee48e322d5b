/** Reactions that rise over the video as they come in; a few at a time, none where motion is not wanted. */

import { useStream } from '@pg-stream/client/react'
import { type ReactElement, useEffect, useRef, useState } from 'react'
import { Icon } from '../ui/icon.tsx'
import { KINDS } from './reactions.tsx'
import { useStage } from './stage_context.ts'

const MOST = 14
const RISES_MS = 2_600

interface Float {
    id: number
    kind: (typeof KINDS)[number]
    left: number
}

export function Floats(): ReactElement {
    const { watched } = useStage()
    const { reactions } = useStream(watched)
    const before = useRef<ReadonlyMap<string, number> | null>(null)
    const last = useRef(0)
    const [floats, setFloats] = useState<readonly Float[]>([])
    useEffect(() => {
        const totals = new Map(reactions.map(({ kind, total }) => [kind, total]))
        const known = before.current
        before.current = totals
        if (known === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return
        const born = KINDS.flatMap((kind) => {
            const added = (totals.get(kind) ?? 0) - (known.get(kind) ?? 0)
            return Array.from({ length: Math.min(4, Math.max(0, added)) }, () => {
                last.current++
                return { id: last.current, kind, left: 8 + ((last.current * 37) % 60) }
            })
        })
        if (born.length === 0) return
        setFloats((shown) => [...shown, ...born].slice(-MOST))
        const ids = new Set(born.map(({ id }) => id))
        // Left running when reactions change: each removes its own.
        setTimeout(() => setFloats((shown) => shown.filter(({ id }) => !ids.has(id))), RISES_MS)
    }, [reactions])
    return (
        <div className="floats" aria-hidden="true">
            {floats.map(({ id, kind, left }) => (
                <span key={id} className={`float reaction-${kind}`} style={{ right: `${left / 4}%` }}>
                    <Icon name={kind} size={28} />
                </span>
            ))}
        </div>
    )
}
