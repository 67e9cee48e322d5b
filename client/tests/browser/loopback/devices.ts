/** Scenes of devices: refused, taken by a call, gone; sound that waits for a touch. */

import { deepEqual, equal } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Scene } from '../scenes.ts'
import { goLive, HOST_UID } from './cast.ts'

export const devices: Record<string, Scene> = {
    'a camera that is refused is told, and nothing is published': async (stage) => {
        const seller = await stage.actor('seller', {}, { mediaPermission: 'denied' })
        const answers = await seller.page.evaluate(() => window.page.participant.engine.requestPermissions())
        deepEqual({ ...answers, camera: answers.camera !== 'granted' }, { camera: true, microphone: 'granted' })
        await seller.told('local', { source: 'camera', state: 'denied' })
        const reason = await seller.page.evaluate(() =>
            window.page.reasonOf(window.page.participant.engine.startPreview())
        )
        equal(reason, 'permission')
        deepEqual(await seller.page.evaluate(() => window.page.held().tracks), 0)
    },

    'a device that a call takes is interrupted and live again, and one that ends has failed': async (stage) => {
        const seller = await stage.actor('seller')
        await seller.page.evaluate(async () => {
            window.page.participant.show(0)
            await window.page.participant.engine.startPreview()
        })
        await seller.moreFrames(0)
        const happens = (event: string) =>
            seller.page.evaluate((event) => {
                const stream = document.querySelector('video')?.srcObject as MediaStream
                stream.getVideoTracks()[0]?.dispatchEvent(new Event(event))
            }, event)
        const since = await seller.mark()
        await happens('mute')
        await seller.told('local', { source: 'camera', state: 'interrupted' }, since)
        await happens('unmute')
        await seller.told('local', { source: 'camera', state: 'live' }, since)
        await happens('ended')
        await seller.told('local', { source: 'camera', state: 'failed' }, since)
    },

    'sound waits for a touch and the picture does not': async (stage) => {
        const channel = randomUUID()
        const seller = await stage.actor('seller')
        await goLive(stage, seller, channel)
        const token = stage.token(channel, 1, false)
        const buyer = await stage.untouchedActor('buyer', {
            engine: { url: stage.options.supabaseUrl },
            join: { channelId: channel, token, uid: 1, role: 'audience' },
            watch: HOST_UID,
        })
        await buyer.says('audioBlocked true')
        await buyer.page.click('#touch')
        await buyer.says('audioBlocked false')
        await buyer.moreFrames(HOST_UID)
        equal(await buyer.page.evaluate(() => document.querySelector('video')?.muted), false)
        await buyer.moreFrames(HOST_UID)
    },
}
