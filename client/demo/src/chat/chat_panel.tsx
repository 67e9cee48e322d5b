/** The chat of the stage: the pinned message, the log, reactions and the field to write in. */

import { type ChatMessage, StreamState } from '@pg-stream/client'
import { useChat, useStream } from '@pg-stream/client/react'
import { type ReactElement, useCallback, useDeferredValue, useState } from 'react'
import { Reactions } from '../stage/reactions.tsx'
import { useStage } from '../stage/stage_context.ts'
import { Icon } from '../ui/icon.tsx'
import { Composer } from './composer.tsx'
import { MessageList } from './message_list.tsx'
import { MessageSheet } from './message_sheet.tsx'

export function ChatPanel(): ReactElement {
    const { watched } = useStage()
    const chat = useChat(watched)
    // Drawing rows gives way to everything else, and several frames become one drawing.
    const messages = useDeferredValue(chat.messages)
    const { state } = useStream(watched)
    const [chosen, setChosen] = useState<ChatMessage | null>(null)
    const choose = useCallback((message: ChatMessage) => setChosen(message), [])
    return (
        <section className="chat" aria-label="Chat">
            {chat.pinned !== null && <Pinned message={chat.pinned} />}
            <MessageList messages={messages} chat={chat} onChoose={choose} />
            {state === StreamState.ENDED ? (
                <p className="chat-end">The chat has ended.</p>
            ) : (
                <div className="chat-foot">
                    <Reactions />
                    <Composer chat={chat} />
                </div>
            )}
            {chosen !== null && (
                <MessageSheet
                    message={chosen}
                    isPinned={chat.pinned?.id === chosen.id}
                    onClose={() => setChosen(null)}
                />
            )}
        </section>
    )
}

function Pinned({ message }: { message: ChatMessage }): ReactElement {
    return (
        <p className="pinned">
            <Icon name="pin" size={16} />
            <span className="visually-hidden">Pinned: </span>
            <span className="pinned-text">
                <strong>{message.username}</strong> {message.content}
            </span>
        </p>
    )
}
