/** `useChat`: the chat of a stream, and what a user can do in it. */

import { useMemo } from 'react'
import type { StreamChat } from '../chat/chat.ts'
import type { ChatSnapshot } from '../chat/chat_snapshot.ts'
import { IDLE_CHAT } from '../chat/idle_chat.ts'
import type { ChatMessage } from '../chat/message.ts'
import type { StreamClient } from '../client.ts'
import { StreamError, toStreamError } from '../error/stream_error.ts'
import { useStreamClient } from './provider.ts'
import { keyOf, type Source, useSource, type Watched } from './source.ts'

export interface ChatActions {
    /**
     * Shows a message at once and sends it. The promise may be left alone: a message that failed stays in `messages` with
     * its status and error.
     */
    send(content: string): Promise<ChatMessage>
    /** Sends a failed message again, under its id. */
    retry(id: string): void
    /** Forgets a message that failed or was never sent. */
    discard(id: string): void
    /** Marks messages as read; many calls go to the server as one. */
    markRead(ids: readonly string[]): void
    markReadUpTo(seq: number): void
    /** Shows an older page; false when there is none. Never rejects. */
    loadOlder(): Promise<boolean>
    /** Ends the reading of history. */
    showNewest(): void
}

export type Chat = ChatSnapshot & ChatActions

export function useChat(config: Watched): Chat {
    const client = useStreamClient()
    const key = keyOf(config)
    const snapshot = useSource<ChatSnapshot>(
        (client) => {
            const watched = config as NonNullable<Watched>
            const source: Source<ChatSnapshot> = {
                hold(onChange) {
                    const held = client.holdChat(watched)
                    const end = held.chat.on('change', onChange)
                    return () => {
                        end()
                        held.release()
                    }
                },
                read: () => chatOf(client, watched)?.snapshot ?? IDLE_CHAT,
            }
            return source
        },
        key,
        IDLE_CHAT,
        (error) => ({ ...IDLE_CHAT, status: 'failed', error })
    )
    const { sessionId = '', userId = '' } = config ?? {}
    const actions = useMemo(() => actionsOf(() => chatOf(client, { sessionId, userId })), [client, sessionId, userId])
    return useMemo(() => ({ ...snapshot, ...actions }), [snapshot, actions])
}

/** Another user's chat of the same stream is none of this one's. */
function chatOf(client: StreamClient | null, of: { sessionId: string; userId: string }): StreamChat | undefined {
    const chat = client?.findChat(of.sessionId)
    return chat?.userId === of.userId ? chat : undefined
}

/** Without a chat there is nothing to do, and nothing to throw in a handler either. */
function actionsOf(find: () => StreamChat | undefined): ChatActions {
    return {
        send(content) {
            try {
                const chat = find()
                if (chat === undefined) throw new StreamError('disposed', 'no chat is open')
                return chat.send(content).stored
            } catch (thrown) {
                const refused = Promise.reject(toStreamError(thrown))
                refused.catch(() => {})
                return refused
            }
        },
        retry: (id) => find()?.retry(id),
        discard: (id) => void find()?.discard(id),
        markRead: (ids) => void find()?.markRead(ids),
        markReadUpTo: (seq) => void find()?.markReadUpTo(seq),
        loadOlder: async () =>
            (await find()
                ?.loadOlder()
                .catch(() => false)) ?? false,
        showNewest: () => find()?.showNewest(),
    }
}
