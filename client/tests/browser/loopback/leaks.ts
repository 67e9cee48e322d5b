/** Scenes of what stays behind: nothing, after fifty engines of a buyer and of a seller. */

import { deepEqual, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Scene } from '../scenes.ts'
import type { Actor } from '../stage.ts'
import { goLive, HOST_UID } from './cast.ts'

const MOUNTS = 50
const NOTHING = { connections: 0, sockets: 0, tracks: 0, timers: 0, videos: 0 }

export const leaks: Record<string, Scene> = {
    'fifty mounts of a buyer leave no connection, track, socket or timer': async (stage) => {
        const channelId = randomUUID()
        const seller = await stage.actor('seller')
        await goLive(stage, seller, channelId)
        const buyer = await stage.actor('buyer')
        const join = { channelId, token: stage.token(channelId, 1, false), uid: 1, role: 'audience' as const }
        const url = stage.options.supabaseUrl
        for (let mount = 0; mount < MOUNTS; mount++) {
            await buyer.page.evaluate(() => window.page.participant.dispose())
            await buyer.page.evaluate((url) => window.page.open({ url }), url)
            await buyer.join(join)
            await buyer.watch(HOST_UID)
            // Some end while they connect.
            if (mount % 5 !== 0) await buyer.moreFrames(HOST_UID, 1)
        }
        ok((await buyer.page.evaluate(() => window.page.connectionsEver())) >= MOUNTS, 'connections were made')
        await buyer.page.evaluate(() => window.page.participant.dispose())
        await holdsNothing(buyer)
        // The seller let go of those who are gone, and still sends.
        await seller.until('no connection', () => window.page.held().connections === 0, null)
        await seller.page.evaluate(() => window.page.participant.dispose())
        await holdsNothing(seller)
    },

    'fifty mounts of a seller leave no device open': async (stage) => {
        const channelId = randomUUID()
        const seller = await stage.actor('seller')
        const url = stage.options.supabaseUrl
        for (let mount = 0; mount < MOUNTS; mount++) {
            await seller.page.evaluate(() => window.page.participant.dispose())
            const picture = mount % 2 === 0 ? ('drawn' as const) : ('camera' as const)
            await seller.page.evaluate((options) => window.page.open(options), { url, picture })
            await seller.page.evaluate(async () => {
                window.page.participant.show(0)
                await window.page.participant.engine.startPreview()
            })
            await goLive(stage, seller, channelId)
        }
        // The last one, which has the camera, ends while that is being opened again.
        await seller.page.evaluate(async () => {
            await window.page.participant.engine.setCamera(false)
            const opening = window.page.participant.engine.setCamera(true)
            await window.page.participant.dispose()
            await opening
        })
        await holdsNothing(seller)
    },
}

async function holdsNothing(actor: Actor): Promise<void> {
    await actor.until('every socket closed', () => window.page.held().sockets === 0, null)
    deepEqual(await actor.page.evaluate(() => window.page.held()), NOTHING)
}
