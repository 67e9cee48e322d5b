/** Scenes of the stream viewer: every trouble ends playing or in its named phase. */

import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Scene } from '../scenes.ts'
import { assemble, goLive, type Spectating, setState, spectator, startStream } from './cast.ts'

export const viewing: Record<string, Scene> = {
    'a seller goes live and two buyers play': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        equal((await seller.phases()).at(-1), 'publishing')
        for (const buyer of buyers) {
            const phases = await buyer.phases()
            deepEqual(phases.slice(-1), ['playing'])
            ok(!phases.includes('failed'), phases.join())
        }
        await honest(...buyers)
        return { firstFrameMs: [await buyers[0].firstFrameMs(), await buyers[1].firstFrameMs()] }
    },

    'a token that is refused while the view is shown is replaced': async (stage) => {
        const { buyers } = await assemble(stage, { troubles: { badTokens: 1 } })
        ok((await buyers[0].steps()).includes('new_token'), String(await buyers[0].steps()))
        await honest(...buyers)
    },

    'a join that never settles is joined again': async (stage) => {
        const { buyers } = await assemble(stage, { troubles: { deadJoins: 1 } })
        ok((await buyers[0].steps()).includes('rejoin'), String(await buyers[0].steps()))
        await honest(...buyers)
    },

    'a subscription that brings no first frame is made anew': async (stage) => {
        const { buyers } = await assemble(stage, { troubles: { lostSubscriptions: 1 } })
        deepEqual(await buyers[0].steps(), ['reattach_view', 'resubscribe'])
        await honest(...buyers)
    },

    'a view that draws nothing is attached again': async (stage) => {
        const { buyers } = await assemble(stage, { troubles: { lostViews: 1 } })
        deepEqual(await buyers[0].steps(), ['reattach_view'])
        await honest(...buyers)
    },

    'a camera that is off is named, and plays when it is on': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        await seller.actor.page.evaluate(() => window.page.spectator.viewer.setCamera(false))
        await seller.phase('camera_off')
        for (const buyer of buyers) await buyer.phase('camera_off')
        await seller.actor.page.evaluate(() => window.page.spectator.viewer.setCamera(true))
        await seller.phase('publishing')
        for (const buyer of buyers) await buyer.phase('playing')
        await honest(...buyers)
    },

    'a black picture is named, and plays when there is light': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        await seller.actor.page.evaluate(() => window.page.spectator.engine.faults.blacken(true))
        for (const buyer of buyers) await buyer.phase('camera_off')
        await seller.actor.page.evaluate(() => window.page.spectator.engine.faults.blacken(false))
        for (const buyer of buyers) await buyer.phase('playing')
        await honest(...buyers)
    },

    'a sender that stops is frozen, and plays when it comes back': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        await seller.actor.page.evaluate(() => window.page.spectator.engine.faults.freeze(true))
        for (const buyer of buyers)
            await buyer.actor.until('frozen', () => window.page.spectator.phases.includes('frozen'), null)
        await seller.actor.page.evaluate(() => window.page.spectator.engine.faults.freeze(false))
        for (const buyer of buyers) await buyer.phase('playing')
        await honest(...buyers)
    },

    'a view that cannot be seen is hidden, and plays when it can': async (stage) => {
        const { buyers } = await assemble(stage)
        const [buyer] = buyers
        for (const style of ['display: none', 'width: 0', 'height: 0']) {
            await buyer.actor.page.evaluate((style) => window.page.spectator.view.setAttribute('style', style), style)
            await buyer.phase('hidden')
            await buyer.actor.page.evaluate(() => window.page.spectator.view.removeAttribute('style'))
            await buyer.phase('playing')
        }
        await buyer.actor.page.evaluate(() => window.page.spectator.viewer.detach())
        await buyer.phase('hidden')
        await buyer.actor.page.evaluate(() => window.page.spectator.viewer.attach(window.page.spectator.view))
        await buyer.phase('playing')
        await honest(...buyers)
    },

    'what an engine says wrongly of its view is seen in the view': async (stage) => {
        const { buyers } = await assemble(stage)
        const [buyer] = buyers
        await buyer.actor.page.evaluate(() => {
            const { engine, view } = window.page.spectator
            engine.isViewVisible = () => true
            view.style.width = '0'
        })
        await buyer.actor.until('a lie that was noticed', () => window.page.spectator.lies.length > 0, null)
    },

    'a phone that is turned changes the size and not the element': async (stage) => {
        const { seller, buyers } = await assemble(stage, { picture: 'drawn' })
        const [buyer] = buyers
        const element = await buyer.actor.page.$('.view video')
        await seller.actor.page.evaluate(() => window.page.spectator.viewer.switchCamera())
        await buyer.actor.until(
            'an upright picture',
            () => {
                const { size } = window.page.spectator.viewer.snapshot
                return size !== null && size.height > size.width
            },
            null
        )
        ok(await element?.evaluate((video) => video.isConnected))
        await buyer.phase('playing')
        await honest(...buyers)
    },

    'a buyer without a network reconnects and plays': async (stage) => {
        const { buyers } = await assemble(stage)
        const [buyer] = buyers
        await buyer.actor.page.evaluate(() => window.page.spectator.engine.faults.setNetwork(false))
        await buyer.phase('reconnecting')
        await buyer.actor.page.evaluate(() => window.page.spectator.engine.faults.setNetwork(true))
        await buyer.phase('playing')
        await honest(...buyers)
    },

    'a host whose page is gone is away, and its next device plays': async (stage) => {
        const { sessionId, seller, buyers } = await assemble(stage)
        await seller.actor.page.close()
        for (const buyer of buyers) await buyer.phase('host_away')
        const again = await spectator(stage, 'seller@demo.test')
        const session = await again.actor.page.evaluate(() => window.page.spectator.startStream())
        equal(session.id, sessionId)
        await goLive(again, { sessionId, generation: session.generation })
        for (const buyer of buyers) await buyer.phase('playing')
        await honest(...buyers)
    },

    'a second device of the seller takes over': async (stage) => {
        const { sessionId, seller, buyers } = await assemble(stage)
        const second = await spectator(stage, 'seller@demo.test')
        const session = await second.actor.page.evaluate(() => window.page.spectator.startStream())
        await goLive(second, { sessionId, generation: session.generation })
        await seller.phase('taken_over')
        // Until then they play what they had.
        for (const buyer of buyers) await buyer.follows(session.hostUid)
        for (const buyer of buyers) await buyer.phase('playing')
        await honest(...buyers)
    },

    'a stream that is paused, resumed and ended says so': async (stage) => {
        const cast = await assemble(stage)
        const { seller, buyers } = cast
        await setState(seller, cast, 'paused')
        for (const buyer of buyers) await buyer.phase('paused')
        await setState(seller, cast, 'active')
        for (const buyer of buyers) await buyer.phase('playing')
        const args = { session_id: cast.sessionId }
        await seller.actor.page.evaluate((args) => window.page.spectator.call('end_stream', args), args)
        for (const each of [seller, ...buyers]) await each.phase('ended')
        await honest(...buyers)
    },

    'a seller whose camera is refused is told so': async (stage) => {
        const seller = await spectator(stage, 'seller@demo.test', { browser: { mediaPermission: 'denied' } })
        const { sessionId, generation } = await startStream(seller)
        await seller.actor.page.evaluate(
            ({ sessionId, generation }) => {
                window.page.spectator.mount(sessionId, 'seller', generation)
                window.page.spectator.viewer.startPreview().catch(() => {})
            },
            { sessionId, generation }
        )
        await seller.phase('permission_denied')
    },

    'a call that takes the camera interrupts the seller, and its end does not': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        const happens = (event: string) =>
            seller.actor.page.evaluate((event) => {
                const stream = document.querySelector('video')?.srcObject as MediaStream
                stream.getVideoTracks()[0]?.dispatchEvent(new Event(event))
            }, event)
        await happens('mute')
        await seller.phase('interrupted')
        await happens('unmute')
        await seller.phase('publishing')
        await honest(...buyers)
    },

    'fifty mounts leave no connection, track or timer': async (stage) => {
        const { sessionId, buyers } = await assemble(stage)
        const [buyer] = buyers
        const { page } = buyer.actor
        await page.evaluate(() => window.page.spectator.unmount())
        await buyer.actor.until('nothing held', () => window.page.held().connections === 0, null)
        const before = await page.evaluate(() => window.page.held())
        const made = await page.evaluate(() => window.page.connectionsEver())
        for (let mount = 0; mount < 50; mount++) {
            await buyer.watch(sessionId)
            // Every tenth plays; the others end on their way there.
            if (mount % 10 === 9) await buyer.phase('playing')
            await page.evaluate(() => window.page.spectator.unmount())
        }
        ok((await page.evaluate(() => window.page.connectionsEver())) >= made + 5)
        // The client's own connection is let go of a moment after its last holder.
        await page.evaluate(() => window.page.spectator.dispose())
        await buyer.actor.until(
            'nothing held, and no more timers than before',
            (before) => {
                const { connections, tracks, videos, sockets, timers } = window.page.held()
                return connections + tracks + videos + sockets === 0 && timers <= before
            },
            before.timers
        )
    },
}

/** None of them ever called a picture `playing` that stood still, was black or could not be seen. */
async function honest(...buyers: Spectating[]): Promise<void> {
    for (const { actor } of buyers) deepEqual(await actor.page.evaluate(() => window.page.spectator.lies), [])
}
