/** What can be done about a message: the seller moderates, authors delete, others report. */

import type { ChatMessage } from '@pg-stream/client'
import type { ReactElement } from 'react'
import { useBackend } from '../backend/context.ts'
import { MUTE_S, moderationOf } from '../backend/moderation.ts'
import { withPlace } from '../backend/place.ts'
import { useStage } from '../stage/stage_context.ts'
import { attempt } from '../ui/attempt.ts'
import { Sheet } from '../ui/sheet.tsx'

interface MessageSheetProps {
    message: ChatMessage
    isPinned: boolean
    onClose(): void
}

interface Action {
    name: string
    run(): Promise<unknown>
    done: string
    isDanger?: boolean
}

export function MessageSheet({ message, isPinned, onClose }: MessageSheetProps): ReactElement {
    const { client } = useBackend()
    const { watched, isSeller, auction } = useStage()
    const { id, userId, username, content } = message
    const moderation = moderationOf(client, watched.sessionId)
    const isOwn = userId === watched.userId
    const actions: Action[] = []
    if (isSeller && isPinned) actions.push({ name: 'Unpin', run: () => moderation.unpin(), done: 'Unpinned.' })
    if (isSeller && !isPinned) actions.push({ name: 'Pin', run: () => moderation.pin(id), done: 'Pinned.' })
    if (!isSeller && !isOwn) {
        const report = () => withPlace(client, watched, () => moderation.report(id))
        actions.push({ name: 'Report to the seller', run: report, done: 'Reported.' })
    }
    if (isSeller || isOwn)
        actions.push({ name: 'Delete the message', run: () => moderation.remove(id), done: 'Deleted.', isDanger: true })
    if (isSeller && userId !== null && userId !== auction.seller_id) {
        const name = username ?? 'this user'
        actions.push(
            {
                name: `Mute ${name} for ${MUTE_S / 60} minutes`,
                run: () => moderation.mute(userId),
                done: `${name} is muted.`,
                isDanger: true,
            },
            { name: `Ban ${name}`, run: () => moderation.ban(userId), done: `${name} is banned.`, isDanger: true }
        )
    }
    return (
        <Sheet title="Message" onClose={onClose}>
            <blockquote className="quote">
                <strong>{username}</strong> {content}
            </blockquote>
            <ul className="sheet-list">
                {actions.map(({ name, run, done, isDanger }) => (
                    <li key={name}>
                        <button
                            type="button"
                            className={isDanger ? 'button button-wide button-danger' : 'button button-wide'}
                            onClick={() => {
                                onClose()
                                void attempt(run, done)
                            }}
                        >
                            {name}
                        </button>
                    </li>
                ))}
            </ul>
        </Sheet>
    )
}
