/** The seed's chat service: one call each, and through the open chat of the stream where there is one. */

import type { Calls } from '../call/calls.ts'
import { named } from '../call/named.ts'
import { raced } from '../clock/abortable.ts'
import { settled } from '../connection/connection_manager.ts'
import type { ConnectionConfig } from '../connection/connection_types.ts'
import type { ChatSubscription } from '../contract/named.ts'
import type { ChatMessage as StoredMessage } from '../contract/wire.ts'
import { abortedError } from '../error/stream_error.ts'
import type { Random } from '../random/random.ts'
import type { CallOptions } from '../transport/transport.ts'
import type { Chats, HeldChat } from './chats.ts'
import { type ChatMessage, toMessage } from './message.ts'

/** That a user follows the chat of a stream; `channel` is the topic of Realtime. */
export type Subscription = ChatSubscription

export type SubscribeOptions = CallOptions & Pick<ConnectionConfig, 'role' | 'generation' | 'viewerCount'>

export interface ChatService {
    /** Resolves with the stored message. Shown as pending until then where the stream's chat is open. */
    sendMessage(sessionId: string, userId: string, content: string, options?: CallOptions): Promise<ChatMessage>
    /** `limit` messages in order, the newest `offset` of the log left out. */
    getMessageHistory(sessionId: string, limit: number, offset: number, options?: CallOptions): Promise<ChatMessage[]>
    /** Joins the stream where that is not done, and follows its chat until `unsubscribeFromChat`. */
    subscribeToChat(sessionId: string, userId: string, options?: SubscribeOptions): Promise<Subscription>
    unsubscribeFromChat(subscriptionId: string, options?: CallOptions): Promise<void>
    /** Every message after the one with this id. */
    syncMessages(sessionId: string, lastMessageId: string, options?: CallOptions): Promise<ChatMessage[]>
    /** Resolves when the marks are stored; those of a second go together where the stream's chat is open. */
    markMessagesAsRead(
        sessionId: string,
        userId: string,
        messageIds: readonly string[],
        options?: CallOptions
    ): Promise<void>
}

/** The most messages of a page of history, and the most ids of one call. */
const HISTORY_PAGE = 200
const MAX_IDS = 1_000

export class StreamChatService implements ChatService {
    readonly #calls: Calls
    readonly #chats: Chats
    readonly #random: Random
    /** What subscriptions hold, by their ids; subscribing again returns the same id. */
    readonly #held = new Map<string, HeldChat>()

    constructor(calls: Calls, chats: Chats, random: Random) {
        this.#calls = calls
        this.#chats = chats
        this.#random = random
    }

    async sendMessage(
        sessionId: string,
        userId: string,
        content: string,
        options: CallOptions = {}
    ): Promise<ChatMessage> {
        const chat = this.#chats.find(sessionId)
        if (chat?.userId === userId) {
            const { message, stored } = chat.send(content)
            const { signal } = options
            return raced(signal, stored, () => signal?.aborted && chat.discard(message.id))
        }
        const args = { session_id: sessionId, user_id: userId, content, id: this.#random.uuid() }
        return toMessage(sessionId, await this.#calls.run('send_message', args, options))
    }

    async getMessageHistory(
        sessionId: string,
        limit: number,
        offset: number,
        options: CallOptions = {}
    ): Promise<ChatMessage[]> {
        let messages: ChatMessage[] = []
        let place: { skip: number } | { before_seq: number } = { skip: offset }
        for (let left = limit; left > 0; ) {
            const pageSize = Math.min(left, HISTORY_PAGE)
            const args = { session_id: sessionId, page_size: pageSize, ...place }
            const page: StoredMessage[] = await this.#calls.run('get_message_history', args, options)
            messages = [...page.map((entry) => toMessage(sessionId, entry)), ...messages]
            const first = page[0]
            if (first === undefined || page.length < pageSize) break
            left -= page.length
            // By number from here on: an offset counts from an end that moves.
            place = { before_seq: first.seq }
        }
        return messages
    }

    async subscribeToChat(sessionId: string, userId: string, options: SubscribeOptions = {}): Promise<Subscription> {
        const { signal, ...place } = options
        if (signal?.aborted) throw abortedError(signal)
        const held = this.#chats.hold({ sessionId, userId, ...place })
        try {
            await raced(signal, settled(held.connection))
            const args = { session_id: sessionId, user_id: userId }
            const subscription = await this.#calls.run('subscribe_to_chat', args, { signal })
            this.#held.get(subscription.id)?.release()
            this.#held.set(subscription.id, held)
            return named<Subscription>(subscription)
        } catch (thrown) {
            held.release()
            throw thrown
        }
    }

    async unsubscribeFromChat(subscriptionId: string, options: CallOptions = {}): Promise<void> {
        this.#held.get(subscriptionId)?.release()
        this.#held.delete(subscriptionId)
        await this.#calls.run('unsubscribe_from_chat', { subscription_id: subscriptionId }, options)
    }

    async syncMessages(sessionId: string, lastMessageId: string, options: CallOptions = {}): Promise<ChatMessage[]> {
        const messages: ChatMessage[] = []
        for (let last: string | undefined = lastMessageId; last !== undefined; ) {
            const args = { session_id: sessionId, last_message_id: last }
            const page: StoredMessage[] = await this.#calls.run('sync_messages', args, options)
            messages.push(...page.map((entry) => toMessage(sessionId, entry)))
            last = page.at(-1)?.id
        }
        return messages
    }

    async markMessagesAsRead(
        sessionId: string,
        userId: string,
        messageIds: readonly string[],
        options: CallOptions = {}
    ): Promise<void> {
        const chat = this.#chats.find(sessionId)
        if (chat?.userId === userId) return raced(options.signal, chat.markRead(messageIds))
        for (let from = 0; from < messageIds.length; from += MAX_IDS) {
            const ids = messageIds.slice(from, from + MAX_IDS)
            const args = { session_id: sessionId, user_id: userId, message_ids: ids }
            await this.#calls.run('mark_messages_as_read', args, options)
        }
    }

    /** Lets go of all subscriptions; the server ends them with the stream. */
    dispose(): void {
        for (const { release } of this.#held.values()) release()
        this.#held.clear()
    }
}
