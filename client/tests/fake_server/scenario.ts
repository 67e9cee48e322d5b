/** A stream that is watched while everything happens to it: what a property draws, and what must hold at the end. */

import fc from 'fast-check'
import type { HeldChat } from '../../src/chat/chats.ts'
import type { Discontinuity } from '../../src/chat/log.ts'
import type { ChatMessage } from '../../src/chat/message.ts'
import { Device } from './device.ts'
import { Dice } from './dice.ts'
import type { FakeLog } from './fake_log.ts'
import { FakeServer, type Faults, NO_FAULTS } from './fake_server.ts'
import { ServerTime } from './server_time.ts'

export const SESSION = '00000000-0000-4000-8000-000000000001'
export const SELLER = '00000000-0000-4000-8000-0000000000aa'
export const ADA = '00000000-0000-4000-8000-0000000000ab'

export type Step =
    | { do: 'say'; count: number }
    | { do: 'ada says' }
    | { do: 'frames'; isDigest: boolean }
    | { do: 'wait'; ms: number }
    | { do: 'cut' }
    | { do: 'close channels' }
    | { do: 'restart'; ms: number }
    | { do: 'sleep'; ms: number; count: number }
    | { do: 'expire tokens' }
    | { do: 'fail over'; lost: number }
    | { do: 'retain'; part: number }
    | { do: 'delete'; part: number }
    | { do: 'delete user' }
    | { do: 'pin'; part: number }
    | { do: 'mute'; ms: number | null }
    | { do: 'lift' }
    | { do: 'resync' }
    | { do: 'end lease' }

const ms = (max: number) => fc.integer({ min: 0, max })
const part = fc.integer({ min: 0, max: 99 })

/** Steps that change the log and the network, those that happen more often first. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('say' as const), count: fc.integer({ min: 1, max: 6 }) }) },
    {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('say' as const), count: fc.integer({ min: 900, max: 2_300 }) }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('ada says' as const) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('frames' as const), isDigest: fc.boolean() }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: ms(4_000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('close channels' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), ms: ms(20_000) }) },
    {
        weight: 2,
        arbitrary: fc.record({
            do: fc.constant('sleep' as const),
            ms: ms(600_000),
            count: fc.integer({ min: 0, max: 80 }),
        }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('expire tokens' as const) }) },
    {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('fail over' as const), lost: fc.integer({ min: 0, max: 5 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('retain' as const), part }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), part }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete user' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pin' as const), part }) },
    {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('mute' as const), ms: fc.option(fc.integer({ min: 1, max: 60_000 })) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lift' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('resync' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('end lease' as const) }) }
)

export const anyTransport: fc.Arbitrary<'rpc' | 'edge'> = fc.constantFrom('rpc', 'edge')

export const anyFaults: fc.Arbitrary<Faults> = fc.record({
    dropFrame: fc.constantFrom(0, 0.1, 0.5),
    doubleFrame: fc.constantFrom(0, 0.3),
    delayFrame: fc.constantFrom(0, 0.3),
    loseRequest: fc.constantFrom(0, 0.1, 0.3),
    loseAnswer: fc.constantFrom(0, 0.1, 0.3),
    leastLatencyMs: fc.constant(2),
    mostLatencyMs: fc.constantFrom(5, 400),
})

/** Long enough for every attempt, every backoff and two heartbeats. */
const HEALED_WITHIN_MS = 180_000

export class Scenario {
    readonly server: FakeServer
    readonly log: FakeLog
    readonly ada: Device
    readonly chat: HeldChat['chat']
    readonly connection: HeldChat['connection']
    readonly release: () => void
    /** What `message` events told since the last discontinuity. */
    told: ChatMessage[] = []
    discontinuities: Discontinuity[] = []
    /** What Ada wanted to say, by its id. */
    readonly sent: Map<string, string> = new Map()
    #contents = 0
    #epochs = 1

    constructor(seed: number, faults: Faults = NO_FAULTS, transport: 'rpc' | 'edge' = 'rpc') {
        this.server = new FakeServer(new ServerTime(), new Dice(seed))
        this.server.faults = faults
        this.log = this.server.open(SESSION, SELLER)
        this.ada = new Device(this.server, ADA, transport)
        const { chat, connection, release } = this.ada.watch(SESSION)
        this.chat = chat
        this.connection = connection
        this.release = release
        chat.on('message', (message) => {
            this.told.push(message)
        })
        chat.on('discontinuity', (discontinuity) => {
            this.discontinuities.push(discontinuity)
            this.told = []
        })
    }

    async connect(): Promise<void> {
        await this.server.clock.until('connected', () => this.connection.state === 'connected', HEALED_WITHIN_MS)
    }

    async take(step: Step): Promise<void> {
        const { server, log, ada } = this
        switch (step.do) {
            case 'say':
                for (let count = 0; count < step.count; count++) this.say()
                return
            case 'ada says': {
                const content = `ada ${this.#contents++}`
                this.sent.set(this.chat.send(content).message.id, content)
                return
            }
            case 'frames':
                return step.isDigest ? server.flushDigest(SESSION) : server.flush(SESSION, 7)
            case 'wait':
                return server.clock.advance(step.ms)
            case 'cut':
                return server.cut()
            case 'close channels':
                return server.closeChannels()
            case 'restart':
                return server.restart(step.ms)
            case 'sleep':
                ada.fallAsleep()
                server.cut()
                for (let count = 0; count < step.count; count++) this.say()
                server.flush(SESSION)
                server.clock.sleep(step.ms)
                ada.wakeUp()
                return
            case 'expire tokens':
                ada.supabase.expireToken()
                return server.closeExpired()
            case 'fail over':
                return log.failOver(`epoch-${++this.#epochs}`, Math.max(log.oldestSeq, log.headSeq - step.lost))
            case 'retain':
                return log.retain(this.#at(step.part))
            case 'delete':
                return this.#message(step.part, (seq) => log.delete(seq))
            case 'delete user':
                return log.deleteUser(SELLER)
            case 'pin':
                return this.#message(step.part, (seq) => log.pin(seq))
            case 'mute': {
                const until = step.ms === null ? null : new Date(server.clock.now() + step.ms).toISOString()
                return log.restrict(ADA, { kind: 'mute', until, reason: null })
            }
            case 'lift':
                return log.lift(ADA, 'mute')
            case 'end lease':
                return server.endLease(SESSION, ADA)
            case 'resync':
                return server.broadcast(`stream:${SESSION}`, 'resync', { session_id: SESSION, reason: 'test' })
        }
    }

    /** Ends all faults and lets everything come to rest. */
    async heal(): Promise<void> {
        const { server } = this
        server.faults = NO_FAULTS
        server.flush(SESSION)
        await server.clock.advance(HEALED_WITHIN_MS)
        if (this.connection.state === 'failed') this.connection.open('reconnect')
        await this.connect()
        await server.clock.advance(HEALED_WITHIN_MS)
        server.flush(SESSION)
        await server.clock.advance(HEALED_WITHIN_MS)
    }

    say(): void {
        const no = this.#contents++
        this.log.send(SELLER, `seller ${no}`, `id-${no}`)
    }

    /** Only messages of users can be deleted and pinned. */
    #message(share: number, act: (seq: number) => void): void {
        const seq = this.#at(share)
        const entry = this.log.entries.find((one) => one.seq === seq)
        if (entry?.message_type === 'user_message' && entry.deleted_at === null) act(seq)
    }

    /** The number at this share, in percent, of the kept log. */
    #at(share: number): number {
        const { oldestSeq, headSeq } = this.log
        return Math.min(headSeq, oldestSeq + Math.floor(((headSeq - oldestSeq) * share) / 100))
    }
}
