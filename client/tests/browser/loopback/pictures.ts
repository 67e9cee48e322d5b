/** Scenes of the picture: off, black, frozen, turned, hidden, in its layers. */

import { equal, ok } from 'node:assert/strict'
import type { Scene } from '../scenes.ts'
import { assemble, framesEnd, HOST_UID } from './cast.ts'

export const pictures: Record<string, Scene> = {
    'a camera that is off is told, and its device let go of': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        await seller.page.evaluate(() => window.page.participant.engine.setCamera(false))
        for (const buyer of buyers)
            await buyer.told('remoteVideo', { uid: HOST_UID, state: 'stopped', reason: 'muted' })
        await seller.told('local', { source: 'camera', state: 'off' })
        const { tracks } = await seller.page.evaluate(() => window.page.held())
        equal(tracks, 1, 'only the microphone is open')
        await seller.page.evaluate(() => window.page.participant.engine.setCamera(true))
        for (const buyer of buyers) {
            await buyer.told('remoteVideo', { uid: HOST_UID, reason: 'unmuted' })
            await buyer.moreFrames(HOST_UID)
        }
    },

    'a microphone that is off is told': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        const [buyer] = buyers
        await buyer.told('remoteAudio', { uid: HOST_UID, isOn: true })
        const since = await buyer.mark()
        await seller.page.evaluate(() => window.page.participant.engine.setMicrophone(false))
        await buyer.told('remoteAudio', { uid: HOST_UID, isOn: false }, since)
        await seller.page.evaluate(() => window.page.participant.engine.setMicrophone(true))
        await buyer.told('remoteAudio', { uid: HOST_UID, isOn: true }, since)
    },

    'a black picture has frames and no light': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        const [buyer] = buyers
        await seller.page.evaluate(() => window.page.participant.engine.faults.blacken(true))
        const isDark = ([uid, isDark]: readonly [number, boolean]) => {
            const brightness = window.page.participant.engine.brightness(uid)
            return brightness !== null && brightness < 0.03 === isDark
        }
        await buyer.until('a black picture', isDark, [HOST_UID, true] as const)
        await buyer.moreFrames(HOST_UID)
        await seller.page.evaluate(() => window.page.participant.engine.faults.blacken(false))
        await buyer.until('light again', isDark, [HOST_UID, false] as const)
    },

    'a sender that stops and comes back': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        await seller.page.evaluate(() => window.page.participant.engine.faults.freeze(true))
        await framesEnd(buyers[0])
        await seller.page.evaluate(() => window.page.participant.engine.faults.freeze(false))
        for (const buyer of buyers) await buyer.moreFrames(HOST_UID)
    },

    'a picture that is turned changes its size and not its element': async (stage) => {
        const { seller, buyers } = await assemble(stage, { picture: 'drawn' })
        const [buyer] = buyers
        await buyer.told('size', { uid: HOST_UID, width: 640, height: 480 })
        const element = await buyer.page.$(`#view-${HOST_UID} video`)
        ok(element)
        await seller.page.evaluate(() => window.page.participant.engine.switchCamera())
        await buyer.told('size', { uid: HOST_UID, width: 480, height: 640 })
        ok(await element.evaluate((video) => video.isConnected && (video as HTMLVideoElement).videoHeight === 640))
    },

    'a view that cannot be seen is told apart though its frames go on': async (stage) => {
        const { buyers } = await assemble(stage)
        const [buyer] = buyers
        const isVisible = (uid: number) => window.page.participant.engine.isViewVisible(uid)
        const hidden: Partial<CSSStyleDeclaration>[] = [
            { display: 'none' },
            { width: '0' },
            { height: '0' },
            { visibility: 'hidden' },
            { opacity: '0' },
        ]
        for (const style of hidden) {
            await buyer.page.evaluate(([uid, style]) => Object.assign(window.page.participant.view(uid).style, style), [
                HOST_UID,
                style,
            ] as const)
            equal(await buyer.page.evaluate(isVisible, HOST_UID), false, JSON.stringify(style))
            await buyer.moreFrames(HOST_UID)
            await buyer.page.evaluate((uid) => window.page.participant.view(uid).removeAttribute('style'), HOST_UID)
            equal(await buyer.page.evaluate(isVisible, HOST_UID), true)
        }
        await buyer.page.evaluate((uid) => {
            window.page.participant.engine.setView(uid, null, { objectFit: 'contain', mirror: false })
        }, HOST_UID)
        equal(await buyer.page.evaluate(isVisible, HOST_UID), null)
        await buyer.page.evaluate((uid) => window.page.participant.show(uid), HOST_UID)
        await buyer.moreFrames(HOST_UID)
    },

    'the low layer is a quarter of the size': async (stage) => {
        const { buyers } = await assemble(stage, { picture: 'drawn' })
        const [buyer] = buyers
        await buyer.told('size', { uid: HOST_UID, width: 640 })
        let since = await buyer.mark()
        await buyer.page.evaluate((uid) => window.page.participant.setLayer(uid, 'low'), HOST_UID)
        await buyer.told('size', { uid: HOST_UID, width: 160 }, since)
        since = await buyer.mark()
        await buyer.page.evaluate((uid) => window.page.participant.setLayer(uid, 'high'), HOST_UID)
        await buyer.told('size', { uid: HOST_UID, width: 640 }, since)
        equal(await buyers[1].count('size', { width: 160 }), 0, 'the other buyer keeps the high layer')
    },

    'the quality is measured on both sides': async (stage) => {
        const { seller, buyers } = await assemble(stage)
        const hasQuality = (side: 'uplink' | 'downlink') =>
            window.page.participant.recorded.some(({ name, event }) => {
                const quality = event as Record<string, number>
                return name === 'quality' && (quality.bandwidth ?? 0) > 0 && (quality[side] ?? 0) > 0
            })
        await buyers[0].until('a measured downlink', hasQuality, 'downlink')
        await seller.until('a measured uplink', hasQuality, 'uplink')
    },
}
