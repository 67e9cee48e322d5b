/** The four topics of a stream that a connection follows: state and chat first, then the user's own and the count. */

import type { Unsubscribe } from '../emitter/emitter.ts'
import type { ChannelLease, Channels } from '../realtime/channels.ts'
import type { Loss } from '../realtime/loss.ts'

export class Topics {
    readonly stream: ChannelLease<'stream'>
    readonly chat: ChannelLease<'chat'>
    readonly user: ChannelLease<'user'>
    readonly viewers: ChannelLease<'viewers'>
    readonly #all: Pick<ChannelLease<'user'>, 'on' | 'rest'>[]
    #lost: Loss | null = null

    constructor(channels: Channels, sessionId: string, userId: string) {
        this.stream = channels.hold('stream', sessionId)
        this.chat = channels.hold('chat', sessionId)
        this.user = channels.hold('user', userId)
        this.viewers = channels.hold('viewers', sessionId)
        // Of what is theirs alone nothing is used there.
        this.#all = [this.stream, this.chat, this.user, this.viewers] as unknown as ChannelLease<'user'>[]
    }

    /** Joins state and chat; resolves once database broadcasts arrive on both. */
    async join(signal: AbortSignal): Promise<void> {
        this.#lost = null
        this.stream.ensure()
        this.chat.ensure()
        await Promise.all([this.stream.whenReady(signal), this.chat.whenReady(signal)])
    }

    /** Why state or chat is down, since they were joined last; null while neither is. */
    get lost(): Loss | null {
        return this.#lost
    }

    onLost(listener: (loss: Loss) => void): Unsubscribe[] {
        const onLost = (loss: Loss) => {
            this.#lost = loss
            listener(loss)
        }
        return [this.stream.on('lost', onLost), this.chat.on('lost', onLost)]
    }

    /** Every broadcast of all four. */
    onBroadcast(listener: (message: { event: string; payload: unknown }) => void): Unsubscribe[] {
        return this.#all.map((lease) => lease.on('broadcast', listener))
    }

    /** Those for which no connection waits. */
    side(withViewerCount: boolean): Pick<ChannelLease<'user'>, 'ensure' | 'on'>[] {
        return withViewerCount ? [this.user, this.viewers as ChannelLease<never>] : [this.user]
    }

    /** Leaves all of them until they are joined again. */
    stop(): void {
        for (const lease of this.#all) lease.rest()
    }
}
