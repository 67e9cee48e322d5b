/** The log, newest at the bottom. Arrow keys choose a message, Enter opens its actions. */

import type { ChatMessage } from '@pg-stream/client'
import type { Chat } from '@pg-stream/client/react'
import { type KeyboardEvent, memo, type ReactElement, useEffect, useRef } from 'react'
import { useStage } from '../stage/stage_context.ts'
import { MessageRow } from './message_row.tsx'
import { useRowWindow } from './row_window.ts'

interface MessageListProps {
    /** Those of the chat, or those of a moment ago. */
    messages: readonly ChatMessage[]
    chat: Pick<Chat, 'status' | 'loadOlder' | 'showNewest' | 'markReadUpTo' | 'retry' | 'discard'>
    onChoose(message: ChatMessage): void
}

/** Drawn again for other messages alone. */
export const MessageList = memo(
    MessageLog,
    (one, other) => one.messages === other.messages && one.chat.status === other.chat.status
)

function MessageLog({ messages, chat, onChoose }: MessageListProps): ReactElement {
    const { auction } = useStage()
    const list = useRef<HTMLDivElement>(null)
    const { status, loadOlder, showNewest, markReadUpTo } = chat
    const lastSeq = messages.findLast(({ seq }) => seq !== null)?.seq ?? null
    const { rows, spacerPx, isAtEnd, onScroll, scrollToEnd } = useRowWindow(list, messages, loadOlder)
    useEffect(() => {
        if (isAtEnd && lastSeq !== null && document.visibilityState === 'visible') markReadUpTo(lastSeq)
    }, [isAtEnd, lastSeq, markReadUpTo])
    return (
        <div className="log">
            <div
                ref={list}
                className="log-scroll"
                role="log"
                aria-label="Messages. Arrow keys choose one, Enter opens its actions."
                // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
                tabIndex={0}
                onScroll={onScroll}
                onKeyDown={chooseByKeys}
            >
                {messages.length === 0 && (
                    <p className="log-empty">
                        {status === 'live' ? 'Nobody has said a word yet. Say hello.' : 'The chat is being opened.'}
                    </p>
                )}
                {/* Padding, not a box: the list begins where it began, and nothing in it moves. */}
                <ol className="rows" style={{ paddingTop: spacerPx }}>
                    {rows.map((message) => (
                        <MessageRow
                            key={message.id}
                            message={message}
                            sellerId={auction.seller_id}
                            onChoose={onChoose}
                            onRetry={chat.retry}
                            onDiscard={chat.discard}
                        />
                    ))}
                </ol>
            </div>
            {!isAtEnd && (
                <button
                    type="button"
                    className="button button-small log-newest"
                    onClick={() => {
                        showNewest()
                        scrollToEnd()
                    }}
                >
                    Newest messages
                </button>
            )}
        </div>
    )
}

/** Moves the focus among the buttons of the rows. */
function chooseByKeys(event: KeyboardEvent<HTMLDivElement>): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (step === undefined) return
    const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('.row-more')]
    if (buttons.length === 0) return
    event.preventDefault()
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    const next = at < 0 ? buttons.length - 1 : Math.min(buttons.length - 1, Math.max(0, at + step))
    buttons[next]?.focus()
}
