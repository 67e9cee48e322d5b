/** One entry of the log: a message, a bid, or a line of the stream itself. Drawn again only when it has changed. */

import { type ChatMessage, MessageType } from '@pg-stream/client'
import { sentenceOf } from '@pg-stream/client/messages'
import { memo, type ReactElement } from 'react'
import { bidOf } from '../backend/bids.ts'
import { Avatar } from '../ui/avatar.tsx'
import { Icon } from '../ui/icon.tsx'
import { money } from '../ui/money.ts'

interface MessageRowProps {
    message: ChatMessage
    sellerId: string
    onChoose(message: ChatMessage): void
    onRetry(id: string): void
    onDiscard(id: string): void
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps): ReactElement {
    const { message } = props
    const bid = bidOf(message)
    if (bid !== null)
        return (
            <li className="row row-bid" data-seq={message.seq}>
                <Icon name="gavel" size={18} />
                <span>
                    <strong>{bid.bidder}</strong> bids
                </span>
                <span className="row-amount numbers">{money(bid.cents)}</span>
            </li>
        )
    if (message.messageType === MessageType.USER_MESSAGE) return <UserRow {...props} />
    return (
        <li className="row row-system" data-seq={message.seq}>
            {message.content}
        </li>
    )
})

function UserRow({ message, sellerId, onChoose, onRetry, onDiscard }: MessageRowProps): ReactElement {
    const name = message.username ?? 'you'
    const isSeller = message.userId === sellerId
    const isDeleted = message.deletedAt !== null
    return (
        <li className="row row-user" data-seq={message.seq}>
            <Avatar name={name} size={26} />
            <div className="row-words">
                <span className="row-name">{message.userId === null ? 'Somebody' : name}</span>
                {isSeller && <span className="tag tag-seller">Seller</span>}{' '}
                <span className={isDeleted ? 'row-text row-deleted' : 'row-text'}>
                    {isDeleted ? 'Message removed' : message.content}
                </span>
                {message.status === 'pending' && (
                    <span className="row-pending">
                        <Icon name="clock" size={14} />
                        <span className="visually-hidden">Being sent</span>
                    </span>
                )}
                {message.status === 'failed' && (
                    <span className="row-failed">
                        {message.error === null ? 'Not sent.' : sentenceOf(message.error)}{' '}
                        <button type="button" className="link" onClick={() => onRetry(message.id)}>
                            Send again
                        </button>{' '}
                        <button type="button" className="link" onClick={() => onDiscard(message.id)}>
                            Discard
                        </button>
                    </span>
                )}
            </div>
            {message.status === 'sent' && !isDeleted && (
                <button
                    type="button"
                    className="row-more"
                    tabIndex={-1}
                    aria-label={`Actions for the message of ${name}`}
                    onClick={() => onChoose(message)}
                >
                    <Icon name="more" size={18} />
                </button>
            )}
        </li>
    )
}
