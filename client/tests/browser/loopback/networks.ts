/** Scenes of the network: cut, asleep, back; a host whose page is gone. */

import { equal } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { TcpProxy } from '../../e2e/tcp_proxy.ts'
import type { Scene } from '../scenes.ts'
import { assemble, comeIn, framesEnd, goLive, HOST_UID } from './cast.ts'

export const networks: Record<string, Scene> = {
    'a buyer that is cut off reconnects and plays': async (stage) => {
        const { buyers } = await assemble(stage)
        const [buyer, other] = buyers
        await buyer.page.evaluate(() => window.page.participant.engine.faults.setNetwork(false))
        await buyer.told('connection', { state: 'reconnecting', reason: 'interrupted' })
        await framesEnd(buyer)
        await other.moreFrames(HOST_UID)
        await buyer.page.evaluate(() => window.page.participant.engine.faults.setNetwork(true))
        await buyer.told('connection', { state: 'connected', reason: 'rejoined' })
        await buyer.moreFrames(HOST_UID)
    },

    'a seller that is cut off comes back to its buyers': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        await seller.page.evaluate(() => window.page.participant.engine.faults.setNetwork(false))
        for (const buyer of buyers) {
            await buyer.told('remoteVideo', { uid: HOST_UID, state: 'stopped', reason: 'left' })
            await buyer.told('remoteLeft', { uid: HOST_UID })
        }
        await seller.page.evaluate(() => window.page.participant.engine.faults.setNetwork(true))
        await seller.told('connection', { state: 'connected', reason: 'rejoined' })
        for (const buyer of buyers) await buyer.moreFrames(HOST_UID)
    },

    'a socket that is cut or silent is opened again': async (stage) => {
        const channel = randomUUID()
        const proxy = await TcpProxy.start(stage.options.supabaseUrl)
        try {
            const seller = await stage.actor('seller')
            await goLive(stage, seller, channel)
            const buyer = await stage.actor('buyer', { url: proxy.url })
            await comeIn(stage, buyer, channel, 1)
            await buyer.moreFrames(HOST_UID)
            for (const breakIt of [() => proxy.cut(), () => proxy.hold()]) {
                const since = await buyer.mark()
                breakIt()
                await buyer.told('connection', { state: 'reconnecting', reason: 'interrupted' }, since)
                await buyer.told('connection', { state: 'connected', reason: 'rejoined' }, since)
                await buyer.moreFrames(HOST_UID)
            }
        } finally {
            await proxy.stop()
        }
    },

    'a host whose page is closed has left': async (stage) => {
        const { channel, seller, buyers } = await assemble(stage)
        await seller.page.close()
        for (const buyer of buyers) {
            await buyer.told('remoteVideo', { uid: HOST_UID, state: 'stopped', reason: 'left' })
            await buyer.told('remoteLeft', { uid: HOST_UID })
            equal(await buyer.brightness(HOST_UID), null, 'no old picture stays')
        }
        await goLive(stage, await stage.actor('seller again'), channel)
        for (const buyer of buyers) await buyer.moreFrames(HOST_UID)
    },
}
