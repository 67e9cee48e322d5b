/** The field for a message, and why nothing can be written where that is so. */

import type { ChatSnapshot } from '@pg-stream/client'
import type { Chat } from '@pg-stream/client/react'
import { type FormEvent, type ReactElement, useEffect, useState } from 'react'
import { useBackend } from '../backend/context.ts'
import { useStage } from '../stage/stage_context.ts'
import { Icon } from '../ui/icon.tsx'

const LONGEST = 2_000
const TIME = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false })

export function Composer({ chat }: { chat: Chat }): ReactElement {
    const { isSeller } = useStage()
    const [text, setText] = useState('')
    const waitS = useWait(chat.cooldownUntil)
    const closed = closedBy(chat, isSeller)
    const submit = (event: FormEvent) => {
        event.preventDefault()
        if (text.trim() === '' || closed !== null || waitS > 0) return
        // What fails stays in the list, with its reason.
        chat.send(text).catch(() => {})
        setText('')
    }
    return (
        <form className="composer" onSubmit={submit}>
            <input
                className="input composer-input"
                aria-label="Message"
                placeholder={closed ?? 'Say something'}
                autoComplete="off"
                enterKeyHint="send"
                maxLength={LONGEST}
                value={text}
                disabled={closed !== null}
                onChange={(event) => setText(event.target.value)}
            />
            <button
                type="submit"
                className="icon-button composer-send"
                disabled={closed !== null || waitS > 0}
                aria-label="Send"
            >
                <Icon name="send" />
            </button>
            <p className="composer-note" role="status">
                {closed ?? noteOf(chat, waitS, isSeller)}
            </p>
        </form>
    )
}

function closedBy({ status, restrictions, chatMode }: ChatSnapshot, isSeller: boolean): string | null {
    if (status === 'ended') return 'The chat has ended'
    const restriction = restrictions.find(({ kind }) => kind === 'ban') ?? restrictions[0]
    if (restriction?.kind === 'ban' || status === 'failed') return 'You may not take part in this chat'
    if (restriction !== undefined) {
        return restriction.until === null ? 'You are muted' : `You are muted until ${TIME.format(restriction.until)}`
    }
    if (chatMode === 'nobody') return 'The chat is closed for now'
    if (isSeller) return null
    if (chatMode === 'hosts') return 'Only the seller writes for now'
    if (chatMode === 'verified') return 'Only verified users write for now'
    return null
}

function noteOf({ slowModeMs, status }: ChatSnapshot, waitS: number, isSeller: boolean): string {
    if (status === 'suspended') return 'No connection: what you write is sent when it is back'
    if (status === 'behind') return 'Catching up'
    if (waitS > 0) return `You can write again in ${waitS} s`
    if (slowModeMs > 0 && !isSeller) return `Slow mode: one message every ${slowModeMs / 1000} s`
    return ''
}

/** Seconds until a moment of the server's clock. */
function useWait(until: Date | null): number {
    const { client } = useBackend()
    const left = () =>
        until === null ? 0 : Math.max(0, Math.ceil((until.getTime() - client.core.serverClock.now()) / 1000))
    const [seconds, setSeconds] = useState(left)
    useEffect(() => {
        setSeconds(left())
        if (until === null) return
        const timer = setInterval(() => setSeconds(left()), 250)
        return () => clearInterval(timer)
    }, [until])
    return seconds
}
