/** The reactions: six buttons with the totals of the stream. */

import { StreamState } from '@pg-stream/client'
import { useStream } from '@pg-stream/client/react'
import { memo, type ReactElement } from 'react'
import { useBackend } from '../backend/context.ts'
import { onlyInPlace } from '../backend/place.ts'
import { attempt } from '../ui/attempt.ts'
import { Icon } from '../ui/icon.tsx'
import { useStage } from './stage_context.ts'

export const KINDS = ['like', 'love', 'laugh', 'wow', 'fire', 'clap'] as const
const SHORT = new Intl.NumberFormat('en', { notation: 'compact' })

export const Reactions = memo(function Reactions(): ReactElement {
    const { client } = useBackend()
    const { watched } = useStage()
    const { reactions, state } = useStream(watched)
    const totalOf = (kind: string) => reactions.find((one) => one.kind === kind)?.total ?? 0
    const send = (kind: string) =>
        onlyInPlace(client, watched, () => client.stream.sendReaction(watched.sessionId, kind))
    return (
        <ul className="reactions" aria-label="Reactions">
            {KINDS.map((kind) => (
                <li key={kind}>
                    <button
                        type="button"
                        className={`reaction reaction-${kind}`}
                        disabled={state !== StreamState.ACTIVE}
                        onClick={() => void attempt(() => send(kind))}
                    >
                        <Icon name={kind} size={19} />
                        <span className="visually-hidden">{kind}: </span>
                        <span className="numbers reaction-total">{SHORT.format(totalOf(kind))}</span>
                    </button>
                </li>
            ))}
        </ul>
    )
})
