/** The mutes and bans in force, with the way to lift them. */

import { useChat } from '@pg-stream/client/react'
import type { ReactElement } from 'react'
import type { Moderation } from '../backend/moderation.ts'
import { useStage } from '../stage/stage_context.ts'
import { attempt } from '../ui/attempt.ts'
import { useList } from './use_list.ts'

export function Restrictions({ moderation }: { moderation: Moderation }): ReactElement {
    const { watched } = useStage()
    const { messages } = useChat(watched)
    const { items, error, reload } = useList(moderation.restrictions)
    const nameOf = (userId: string) => messages.find((message) => message.userId === userId)?.username ?? 'somebody'
    return (
        <div className="group">
            <h3>Muted and banned</h3>
            <p className="form-error">{error}</p>
            {items.length === 0 && error === '' && <p className="quiet-note">Nobody.</p>}
            <ul className="entries">
                {items.map(({ user_id: userId, kind }) => (
                    <li key={`${userId} ${kind}`} className="entry">
                        <span>
                            <strong>{nameOf(userId)}</strong> {kind === 'ban' ? 'is banned' : 'is muted'}
                        </span>
                        <button
                            type="button"
                            className="button button-small"
                            onClick={() => void attempt(() => moderation.lift(userId, kind)).then(reload)}
                        >
                            Lift
                        </button>
                    </li>
                ))}
            </ul>
        </div>
    )
}
