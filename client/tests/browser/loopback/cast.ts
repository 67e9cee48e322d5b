/** A seller and two buyers in one channel, each in a browser context of its own. */

import { equal } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { LoopbackEngineOptions } from '../../../src/loopback.ts'
import type { Actor, Stage } from '../stage.ts'

export const HOST_UID = 1_000_001

export interface Cast {
    channel: string
    seller: Actor
    buyers: [Actor, Actor]
}

/** The seller publishes; the buyers see the first frame. */
export async function assemble(stage: Stage, seller: Partial<LoopbackEngineOptions> = {}): Promise<Cast> {
    const channel = randomUUID()
    const cast: Cast = {
        channel,
        seller: await stage.actor('seller', seller),
        buyers: [await stage.actor('buyer 1'), await stage.actor('buyer 2')],
    }
    await goLive(stage, cast.seller, channel)
    for (const [index, buyer] of cast.buyers.entries()) {
        await comeIn(stage, buyer, channel, index + 1)
        await buyer.moreFrames(HOST_UID)
    }
    return cast
}

export async function goLive(stage: Stage, seller: Actor, channelId: string, uid: number = HOST_UID): Promise<void> {
    const token = stage.token(channelId, uid, true)
    equal(await seller.join({ channelId, token, uid, role: 'host' }), null)
    await seller.page.evaluate(() => window.page.participant.engine.publish())
}

/** Joins and asks for the host's picture. */
export async function comeIn(stage: Stage, buyer: Actor, channelId: string, uid: number): Promise<void> {
    const token = stage.token(channelId, uid, false)
    equal(await buyer.join({ channelId, token, uid, role: 'audience' }), null)
    await buyer.watch(HOST_UID)
}

/** Waits until no frame has come for a second. */
export async function framesEnd(buyer: Actor): Promise<void> {
    for (;;) {
        const before = await buyer.frames(HOST_UID)
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        if ((await buyer.frames(HOST_UID)) === before) return
    }
}

export function firstFrameMs(actor: Actor): Promise<number> {
    return actor.page.evaluate(() => Math.round(window.page.participant.firstFrameMs ?? -1))
}
