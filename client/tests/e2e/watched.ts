/** What the app of a viewer is told by the client, and what it says. */

import type { ChatMessage, HeldChat, StreamClient } from '../../src/index.ts'
import { until } from './waiting.ts'

export class Watched {
    readonly held: HeldChat
    readonly told: ChatMessage[] = []
    readonly said: Map<string, string> = new Map()
    readonly discontinuities: string[] = []
    restored = 0

    constructor(client: StreamClient, sessionId: string, userId: string) {
        this.held = client.holdChat({ sessionId, userId })
        this.held.connection.on('restored', () => {
            this.restored++
        })
        this.held.chat.on('message', (message) => this.told.push(message))
        this.held.chat.on('discontinuity', ({ reason }) => this.discontinuities.push(reason))
    }

    get isConnected(): boolean {
        return this.held.connection.state === 'connected' && this.held.chat.snapshot.status === 'live'
    }

    connected(): Promise<void> {
        return until('the viewer is connected', () => this.isConnected)
    }

    settled(): Promise<void> {
        return until('every message of the viewer is stored', () => {
            const { messages, status } = this.held.chat.snapshot
            return status === 'live' && messages.every(({ seq }) => seq !== null)
        })
    }

    say(): void {
        const content = `viewer ${this.said.size}`
        this.said.set(this.held.chat.send(content).message.id, content)
    }
}
