/** A seller and two buyers of one stream, each with a stream viewer in a browser context of its own. */

import type { LoopbackEngineOptions } from '../../../src/loopback.ts'
import type { ChromiumOptions } from '../chromium.ts'
import type { EngineTroubles } from '../page/spectator.ts'
import type { Actor, Stage } from '../stage.ts'

/** A buyer or a seller before the stream. */
export async function spectator(
    stage: Stage,
    email: string,
    options: { engine?: Partial<LoopbackEngineOptions>; troubles?: EngineTroubles; browser?: ChromiumOptions } = {}
): Promise<Spectating> {
    const actor = await stage.bareActor(email, '/', options.browser)
    const { engine, troubles } = options
    const account = { url: stage.options.supabaseUrl, anonKey: stage.options.anonKey, email }
    const given = { ...account, ...(engine && { engine }), ...(troubles && { troubles }) }
    await actor.page.evaluate((given) => window.page.signIn(given), given)
    return new Spectating(actor)
}

export class Spectating {
    readonly actor: Actor

    constructor(actor: Actor) {
        this.actor = actor
    }

    /** Waits for a phase, now or in the future; for `playing` until the picture is really seen. */
    async phase(phase: string): Promise<void> {
        if (phase === 'playing') {
            return this.actor.until('playing and seen', () => window.page.spectator.isSeen(), null)
        }
        await this.actor.until(
            `the phase ${phase}`,
            (phase) => window.page.spectator.viewer.snapshot.phase === phase,
            phase
        )
    }

    /** Waits until this sender counts as the host. */
    async follows(hostUid: number): Promise<void> {
        await this.actor.until(
            `the host ${hostUid}`,
            (hostUid) => window.page.spectator.viewer.snapshot.hostUid === hostUid,
            hostUid
        )
    }

    /** Every phase until now, in order. */
    phases(): Promise<string[]> {
        return this.actor.page.evaluate(() => window.page.spectator.phases)
    }

    /** The steps of recovery until now. */
    steps(): Promise<string[]> {
        return this.actor.page.evaluate(() => window.page.spectator.recoveries.map(({ step }) => step))
    }

    firstFrameMs(): Promise<number | null> {
        return this.actor.page.evaluate(() => {
            const ms = window.page.spectator.viewer.snapshot.firstFrameMs
            return ms === null ? null : Math.round(ms)
        })
    }

    watch(sessionId: string): Promise<void> {
        return this.actor.page.evaluate((sessionId) => window.page.spectator.mount(sessionId, 'buyer'), sessionId)
    }
}

export interface Cast {
    sessionId: string
    generation: number
    seller: Spectating
    buyers: [Spectating, Spectating]
}

export interface CastOptions {
    picture?: 'camera' | 'drawn'
    troubles?: EngineTroubles
}

/** A new stream, whose buyers play. `troubles` are those of the first buyer. */
export async function assemble(stage: Stage, { picture = 'camera', troubles }: CastOptions = {}): Promise<Cast> {
    const seller = await spectator(stage, 'seller@demo.test', { engine: { picture } })
    const session = await startStream(seller)
    await goLive(seller, session)
    const buyers: [Spectating, Spectating] = [
        await spectator(stage, 'buyer1@demo.test', troubles ? { troubles } : {}),
        await spectator(stage, 'buyer2@demo.test'),
    ]
    for (const buyer of buyers) await buyer.watch(session.sessionId)
    for (const buyer of buyers) await buyer.phase('playing')
    return { ...session, seller, buyers }
}

/** One that no scene before has left. */
export async function startStream(seller: Spectating): Promise<{ sessionId: string; generation: number }> {
    return seller.actor.page.evaluate(async () => {
        const { spectator } = window.page
        let { id, generation } = await spectator.startStream()
        if (generation > 1) {
            await spectator.call('end_stream', { session_id: id })
            ;({ id, generation } = await spectator.startStream())
        }
        return { sessionId: id, generation }
    })
}

export function goLive(seller: Spectating, session: { sessionId: string; generation: number }): Promise<void> {
    return seller.actor.page.evaluate(async ({ sessionId, generation }) => {
        const { spectator } = window.page
        spectator.mount(sessionId, 'seller', generation)
        await spectator.viewer.startPreview()
        await spectator.viewer.goLive()
    }, session)
}

/** The state of the stream, as its seller sets it. */
export function setState(seller: Spectating, { sessionId, generation }: Cast, state: string): Promise<void> {
    const args = { session_id: sessionId, state, generation }
    return seller.actor.page.evaluate((args) => window.page.spectator.call('update_stream_state', args), args)
}
