/** One device: a client on the fake server, whose app and network a test turns on and off. */

import type { HeldChat } from '../../src/chat/chats.ts'
import { createStreamClient } from '../../src/edge.ts'
import { ManualLifecycle, type StorageAdapter, type StreamClient } from '../../src/index.ts'
import { Dice } from './dice.ts'
import type { FakeServer } from './fake_server.ts'
import { FakeSupabase } from './fake_supabase.ts'

export class Device {
    readonly supabase: FakeSupabase
    readonly lifecycle: ManualLifecycle = new ManualLifecycle()
    readonly client: StreamClient

    constructor(server: FakeServer, userId: string, transport: 'rpc' | 'edge' = 'rpc', storage?: StorageAdapter) {
        this.supabase = new FakeSupabase(server, userId)
        this.client = createStreamClient({
            supabase: this.supabase,
            lifecycle: this.lifecycle,
            clock: server.clock,
            random: new Dice(Math.floor(server.random.next() * 2 ** 32)),
            ...(transport === 'edge' ? { edgeUrl: 'http://edge.test', fetch: this.supabase.fetchEdge } : {}),
            ...(storage === undefined ? {} : { storage }),
        })
    }

    watch(sessionId: string): HeldChat {
        return this.client.holdChat({ sessionId, userId: this.supabase.userId })
    }

    /** The app goes to the background, and its network with it. */
    fallAsleep(): void {
        this.supabase.isOnline = false
        this.lifecycle.emit('background')
    }

    wakeUp(): void {
        this.supabase.isOnline = true
        this.lifecycle.emit('active')
    }
}
