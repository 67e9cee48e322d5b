/** A chat by itself: a test gives it frames and heartbeats, and answers its calls and its wishes for a sync. */

import { StreamChat } from '../../src/chat/chat.ts'
import type { Frame } from '../../src/chat/frame.ts'
import type { Discontinuity } from '../../src/chat/log.ts'
import { ServerClock } from '../../src/clock/server_clock.ts'
import { StreamError } from '../../src/error/stream_error.ts'
import type { StorageAdapter } from '../../src/storage/storage_adapter.ts'
import { Dice } from '../fake_server/dice.ts'
import { FakeLog } from '../fake_server/fake_log.ts'
import { FakeRefusal } from '../fake_server/fake_refusal.ts'
import { ADA, SELLER, SESSION } from '../fake_server/scenario.ts'
import { ServerTime } from '../fake_server/server_time.ts'

type Run = (name: string, args: Record<string, unknown>) => Promise<unknown>

export interface ChatBench {
    clock: ServerTime
    log: FakeLog
    chat: StreamChat
    /** Whether the connection polls. */
    isPolled: boolean
    /** Whether the connection goes on. */
    isOpen: boolean
    placesLost: number
    /** When syncs were asked for, in milliseconds since the beginning. */
    asked: number[]
    told: (number | null)[]
    discontinuities: Discontinuity[]
    errors: string[]
    calls: { name: string; args: Record<string, unknown> }[]
    /** Answers the calls from here on; a `FakeRefusal` and an Error become what the transport makes of them. */
    answer(run: Run): void
    /** Makes the sync that was asked for, all pages of it. */
    sync(): void
    /** Writes entries to the log. */
    write(count: number): void
    frame(from: number, to: number, more?: Partial<Frame>): void
}

export function chatBench(options: { storage?: StorageAdapter; log?: FakeLog; clock?: ServerTime } = {}): ChatBench {
    const clock = options.clock ?? new ServerTime()
    const begun = clock.now()
    const log = options.log ?? new FakeLog(SESSION, SELLER, () => clock.now())
    let run: Run = async (name, args) => answered(log, name, args)
    let written = 0
    const asked: number[] = []
    const calls: ChatBench['calls'] = []
    const chat = new StreamChat({
        sessionId: SESSION,
        userId: ADA,
        calls: {
            async run(name, args) {
                calls.push({ name, args: args as Record<string, unknown> })
                try {
                    return (await run(name, args as Record<string, unknown>)) as never
                } catch (thrown) {
                    if (!(thrown instanceof FakeRefusal)) throw thrown
                    const { code, status, retryAfterMs } = thrown
                    throw new StreamError(code as 'muted', code, { status, retryAfterMs })
                }
            },
        },
        clock,
        random: new Dice(1),
        serverClock: new ServerClock(clock),
        storage: options.storage ?? null,
        requestSync: () => asked.push(clock.now() - begun),
        isPolled: () => bench.isPolled,
        onPlaceLost: () => {
            bench.placesLost++
            return bench.isOpen
        },
    })
    const bench: ChatBench = {
        clock,
        log,
        chat,
        isPolled: false,
        isOpen: true,
        placesLost: 0,
        asked,
        told: [],
        discontinuities: [],
        errors: [],
        calls,
        answer: (next) => {
            run = next
        },
        sync: () => {
            for (let hasMore = true; hasMore; ) {
                const { afterSeq = null, epoch = null } = chat.cursor()
                const page = log.sync(ADA, afterSeq, epoch)
                chat.apply(page)
                hasMore = page.has_more
            }
        },
        write: (count) => {
            for (let no = 0; no < count; no++) log.send(SELLER, `message ${++written}`, `id-${written}`)
        },
        frame: (from, to, more = {}) => chat.takeFrame({ ...log.frame(from, to), ...more }),
    }
    chat.on('message', ({ seq }) => bench.told.push(seq))
    chat.on('discontinuity', (discontinuity) => bench.discontinuities.push(discontinuity))
    chat.on('error', ({ code }) => bench.errors.push(code))
    return bench
}

/** Contents and statuses of the messages on the screen. */
export function shown({ chat }: ChatBench): string[] {
    return chat.snapshot.messages.map(({ content, status }) => `${content} ${status}`)
}

/** What the server answers when all is well. */
export function answered(log: FakeLog, name: string, args: Record<string, unknown>): unknown {
    const whole = (entry: object) => ({ ...entry, session_id: SESSION, updated_at: log.serverTime() })
    if (name === 'send_message') return whole(log.send(ADA, args.content as string, args.id as string))
    if (name === 'get_message_history') {
        const older = log.entries.filter(({ seq }) => seq < (args.before_seq as number))
        return older.slice(-(args.page_size as number)).map(whole)
    }
    return 0
}

/** A store of texts in memory, which a test can look into. */
export class MemoryStorage implements StorageAdapter {
    readonly texts: Map<string, string> = new Map()

    async getItem(key: string): Promise<string | null> {
        return this.texts.get(key) ?? null
    }

    async setItem(key: string, value: string): Promise<void> {
        this.texts.set(key, value)
    }

    async removeItem(key: string): Promise<void> {
        this.texts.delete(key)
    }
}
