/** Scenes of joining: first frames, tokens that are wrong or run out, takeovers, joins that never settle. */

import { equal, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Scene } from '../scenes.ts'
import { assemble, comeIn, firstFrameMs, goLive, HOST_UID } from './cast.ts'

export const joining: Record<string, Scene> = {
    'two buyers see the first frame, and again after a rejoin with a new token': async (stage) => {
        const { channel, buyers } = await assemble(stage)
        const first = [await firstFrameMs(buyers[0]), await firstFrameMs(buyers[1])]
        for (const buyer of buyers) {
            const brightness = await buyer.brightness(HOST_UID)
            ok(brightness !== null && brightness > 0.05, `a camera's picture has light: ${brightness}`)
            equal(await buyer.page.evaluate((uid) => window.page.participant.engine.isViewVisible(uid), HOST_UID), true)
            await buyer.told('size', { uid: HOST_UID })
        }
        const [buyer] = buyers
        await buyer.page.evaluate(() => window.page.participant.engine.leave())
        await comeIn(stage, buyer, channel, 1)
        await buyer.moreFrames(HOST_UID)
        return { firstFrameMs: first, afterRejoinMs: await firstFrameMs(buyer) }
    },

    'a drawn picture is seen where there is no camera': async (stage) => {
        const { buyers } = await assemble(stage, { picture: 'drawn' })
        ok(((await buyers[0].brightness(HOST_UID)) ?? 0) > 0.05)
        return { firstFrameMs: await firstFrameMs(buyers[0]) }
    },

    'whoever comes before the host sees the picture once it is sent': async (stage) => {
        const channel = randomUUID()
        const buyer = await stage.actor('buyer')
        await comeIn(stage, buyer, channel, 1)
        const seller = await stage.actor('seller')
        await goLive(stage, seller, channel)
        await buyer.moreFrames(HOST_UID)
    },

    'a wrong token is refused with its reason': async (stage) => {
        const channelId = randomUUID()
        const cases = [
            { token: 'no token', uid: 1, role: 'audience', reason: 'token_invalid' },
            { token: stage.token(randomUUID(), 1, false), uid: 1, role: 'audience', reason: 'token_invalid' },
            { token: stage.token(channelId, 2, false), uid: 1, role: 'audience', reason: 'token_invalid' },
            { token: stage.token(channelId, 1, false), uid: 1, role: 'host', reason: 'token_invalid' },
            { token: stage.token(channelId, 1, false, 0), uid: 1, role: 'audience', reason: 'token_expired' },
        ] as const
        const buyer = await stage.actor('buyer')
        for (const { reason, ...wrong } of cases) {
            const since = await buyer.mark()
            equal(await buyer.join({ channelId, ...wrong }), reason)
            equal(await buyer.count('connection', { state: 'failed', reason }, since), 1)
        }
        const token = stage.token(channelId, 1, false)
        equal(await buyer.join({ channelId, token, uid: 1, role: 'audience' }), null)
    },

    'a token that runs out is told before and at its end, and a new one keeps the place': async (stage) => {
        const { channel, buyers } = await assemble(stage)
        const [renewing, ending] = buyers
        const join = (uid: number, lifeSeconds: number) => ({
            channelId: channel,
            token: stage.token(channel, uid, false, lifeSeconds),
            uid,
            role: 'audience' as const,
        })
        equal(await renewing.join(join(1, 32)), null)
        await renewing.watch(HOST_UID)
        // Ends after the token that is replaced.
        equal(await ending.join(join(2, 34)), null)
        await renewing.told('tokenWillExpire')
        const renew = (token: string) =>
            renewing.page.evaluate(
                (token) => window.page.reasonOf(window.page.participant.engine.renewToken(token)),
                token
            )
        equal(await renew(stage.token(channel, 2, false)), 'token_invalid')
        equal(await renew(stage.token(channel, 1, false)), null)
        await renewing.moreFrames(HOST_UID)

        await ending.told('tokenExpired')
        await ending.told('connection', { state: 'failed', reason: 'token_expired' })
        await renewing.moreFrames(HOST_UID)
        equal(await renewing.count('tokenExpired'), 0)
    },

    'a second device of the host takes over, and the buyers see it': async (stage) => {
        const { channel, seller, buyers } = await assemble(stage)
        const since = [await buyers[0].mark(), await buyers[1].mark()]
        const second = await stage.actor('second device')
        await goLive(stage, second, channel)
        await seller.told('connection', { state: 'failed', reason: 'taken_over' })
        for (const [index, buyer] of buyers.entries()) {
            await buyer.told('remoteLeft', { uid: HOST_UID }, since[index])
            await buyer.told('remoteJoined', { uid: HOST_UID }, since[index])
            await buyer.moreFrames(HOST_UID)
        }
    },

    'a join without a server does not settle until it is aborted': async (stage) => {
        const buyer = await stage.actor('buyer', { url: 'http://127.0.0.1:9' })
        const join = buyer.join({ channelId: randomUUID(), token: 'any', uid: 1, role: 'audience' })
        await buyer.told('connection', { state: 'connecting', reason: 'joining' })
        await buyer.page.evaluate(() => window.page.participant.abort())
        equal(await join, 'aborted')
        await buyer.told('connection', { state: 'disconnected', reason: 'left' })
    },
}
