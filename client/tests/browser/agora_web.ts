/**
 * The engine over Agora's own SDK for browsers, without a network: what it can do then, and how what it cannot do ends.
 *
 * node tests/browser/agora_web.ts [--only PART]
 */

import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ChromiumOptions } from './chromium.ts'
import { playAndExit } from './command_line.ts'
import type { Scene } from './scenes.ts'
import type { Actor, Stage } from './stage.ts'

const APP_ID = '0123456789abcdef0123456789abcdef'
const MOUNTS = 50

const scenes: Record<string, Scene> = {
    'a join without a network ends when it is aborted, and so does the next one': async (stage) => {
        const { page, ...seller } = await open(stage)
        const joins = () =>
            page.evaluate(async () => {
                const { agora } = window.page
                const abort = new AbortController()
                const place = { channelId: 'a-channel', token: 'a token', uid: 7, role: 'audience' as const }
                const since = agora.mark()
                const reason = window.page.reasonOf(agora.engine.join({ ...place, signal: abort.signal }))
                while (agora.count('connection', { state: 'connecting' }, since) === 0)
                    await new Promise(requestAnimationFrame)
                abort.abort()
                return reason
            })
        equal(await joins(), 'aborted')
        equal(await joins(), 'aborted')
        deepEqual(seller.errors, [])
    },

    'what the SDK refuses at once is refused': async (stage) => {
        const { page } = await open(stage)
        for (const wrong of [{ channelId: '' }, { uid: 2 ** 40 }]) {
            const place = { channelId: 'a-channel', token: 'a token', uid: 7, role: 'audience' as const, ...wrong }
            equal(await page.evaluate((place) => window.page.agora.join(place), place), 'refused')
        }
    },

    'a preview is seen by its frames, its light, its size and its view': async (stage) => {
        const { page } = await open(stage)
        await preview(page)
        await framesCome(page)
        ok((await page.evaluate(() => window.page.agora.engine.brightness(0) ?? 0)) > 0.05)
        ok((await page.evaluate(() => window.page.agora.count('size', { uid: 0 }))) > 0)
        const isVisible = () => page.evaluate(() => window.page.agora.engine.isViewVisible(0))
        equal(await isVisible(), true)
        for (const style of ['display: none', 'width: 0', 'height: 0']) {
            await page.evaluate((style) => window.page.agora.view(0).setAttribute('style', style), style)
            equal(await isVisible(), false, style)
            await page.evaluate(() => window.page.agora.view(0).removeAttribute('style'))
            equal(await isVisible(), true)
        }
        await page.evaluate(() => window.page.agora.engine.setView(0, null, { objectFit: 'cover', mirror: true }))
        equal(await isVisible(), null)
        await page.evaluate(() => window.page.agora.show(0))
        await framesCome(page)
    },

    'a camera that is off is let go of, and comes back': async (stage) => {
        const { page } = await open(stage)
        await preview(page)
        await page.evaluate(() => window.page.agora.engine.setCamera(false))
        equal(await page.evaluate(() => window.page.agora.count('local', { source: 'camera', state: 'off' })), 1)
        await page.waitForFunction(() => window.page.held().tracks === 1)
        await page.evaluate(() => window.page.agora.engine.setCamera(true))
        await framesCome(page)
        equal(await page.evaluate(() => window.page.held().tracks), 2)
    },

    'a camera that is refused is told': async (stage) => {
        const { page } = await open(stage, { mediaPermission: 'denied' })
        const answers = await page.evaluate(() => window.page.agora.engine.requestPermissions())
        ok(answers.camera === 'denied' || answers.camera === 'blocked', answers.camera)
        equal(await page.evaluate(() => window.page.agora.count('local', { source: 'camera', state: 'denied' })), 1)
        equal(await page.evaluate(() => window.page.reasonOf(window.page.agora.engine.startPreview())), 'permission')
    },

    'a device that a call takes is interrupted, and live again': async (stage) => {
        const { page } = await open(stage)
        await preview(page)
        for (const [event, state] of [
            ['mute', 'interrupted'],
            ['unmute', 'live'],
        ] as const) {
            const since = await page.evaluate(() => window.page.agora.mark())
            await page.evaluate((event) => {
                const stream = document.querySelector('video')?.srcObject as MediaStream
                stream.getVideoTracks()[0]?.dispatchEvent(new Event(event))
            }, event)
            const given = [state, since] as const
            equal(
                await page.evaluate(([state, since]) => window.page.agora.count('local', { state }, since), given),
                1,
                event
            )
        }
    },

    'fifty mounts leave no connection, track or video': async (stage) => {
        const { page } = await open(stage)
        for (let mount = 0; mount < MOUNTS; mount++) {
            await preview(page)
            // Every second one ends while it joins.
            await page.evaluate(
                async (joins) => {
                    const { agora } = window.page
                    const place = { channelId: 'a-channel', token: 'a token', uid: 7, role: 'host' as const }
                    const joining = joins ? agora.join(place) : null
                    await agora.dispose()
                    await joining
                },
                mount % 2 === 0
            )
            await page.evaluate((appId) => window.page.openAgora(appId), APP_ID)
        }
        await page.waitForFunction(() => {
            const { connections, tracks, videos, sockets } = window.page.held()
            return connections + tracks + videos + sockets === 0
        })
    },
}

async function open(stage: Stage, browser: ChromiumOptions = {}): Promise<Actor> {
    const actor = await stage.bareActor('seller', '/agora', browser)
    await actor.page.evaluate((appId) => window.page.openAgora(appId), APP_ID)
    return actor
}

async function preview(page: Actor['page']): Promise<void> {
    await page.evaluate(async () => {
        window.page.agora.show(0)
        await window.page.agora.engine.startPreview()
    })
}

async function framesCome(page: Actor['page']): Promise<void> {
    const wanted = (await page.evaluate(() => window.page.agora.frames(0))) + 5
    await page.waitForFunction((wanted) => window.page.agora.frames(0) >= wanted, wanted)
}

await playAndExit(scenes)
