/** The script of the page: makes participants for the tests, which drive them from outside. */

import type { IAgoraRTC } from 'agora-rtc-sdk-ng'
import { agoraWebEngine } from '../../../src/agora_web.ts'
import { type LoopbackEngine, type LoopbackEngineOptions, loopbackEngine } from '../../../src/loopback.ts'
import { type JoinArguments, Participant, reasonOf } from './participant.ts'
import { connectionsEver, type Held, held, watchResources } from './resources.ts'
import { Spectator, type SpectatorOptions } from './spectator.ts'

watchResources()

export interface TestPage {
    participant: Participant<LoopbackEngine>
    /** The same over Agora's SDK, in the page that has it. */
    agora: Participant
    openAgora(appId: string): void
    open(options: LoopbackEngineOptions): void
    spectator: Spectator
    signIn(options: SpectatorOptions): Promise<void>
    reasonOf(work: Promise<unknown>): Promise<string | null>
    held(): Held
    connectionsEver(): number
}

/** What a page does by itself: whatever a test does in it counts as a touch. */
export interface Autostart {
    engine: LoopbackEngineOptions
    join: JoinArguments
    watch: number
}

declare global {
    interface Window {
        page: TestPage
        AgoraRTC: IAgoraRTC
        autostart?: Autostart
    }
}

const page: TestPage = {
    participant: undefined as unknown as Participant<LoopbackEngine>,
    open(options) {
        page.participant = new Participant(loopbackEngine(options)())
    },
    agora: undefined as unknown as Participant,
    openAgora(appId) {
        page.agora = new Participant(agoraWebEngine({ AgoraRTC: window.AgoraRTC, appId })())
    },
    spectator: undefined as unknown as Spectator,
    async signIn(options) {
        page.spectator = await Spectator.signIn(options)
    },
    reasonOf,
    held,
    connectionsEver,
}
window.page = page
if (window.autostart) void start(window.autostart)

async function start({ engine, join, watch }: Autostart): Promise<void> {
    page.open(engine)
    const { participant } = page
    participant.engine.on('audioBlocked', ({ isBlocked }) => console.info(`audioBlocked ${isBlocked}`))
    document.querySelector('#touch')?.addEventListener('click', () => participant.engine.resumeAudio())
    await participant.join(join)
    await participant.watch(watch)
}
