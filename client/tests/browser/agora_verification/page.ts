/** The page of a real join: a host that sends the camera, and a viewer that waits for its first frame. */

import type { IAgoraRTC } from 'agora-rtc-sdk-ng'
import { agoraWebEngine } from '../../../src/agora_web.ts'
import type { VideoEngine, VideoRole } from '../../../src/viewer.ts'

export interface Verification {
    appId: string
    channelId: string
    host: { uid: number; token: string }
    viewer: { uid: number; token: string }
}

export interface Sighting {
    hostJoinedMs: number
    viewerJoinedMs: number
    firstFrameMs: number
    width: number
    height: number
}

export type Answer = Sighting | { failed: string; reason: string }

declare global {
    interface Window {
        AgoraRTC: IAgoraRTC
        verify(verification: Verification): Promise<Answer>
    }
}

/** Each step by itself: joins never end by themselves where the network lets nothing through. */
const DEADLINE_MS = 30_000

window.verify = async (verification) => {
    const make = () => agoraWebEngine({ AgoraRTC: window.AgoraRTC, appId: verification.appId })()
    const [host, viewer] = [make(), make()]
    let step = 'the preview'
    const within = <Value>(name: string, work: Promise<Value>): Promise<Value> => {
        step = name
        const late = new Promise<never>((_, reject) => {
            setTimeout(() => reject(new Error(`nothing within ${DEADLINE_MS / 1_000} s`)), DEADLINE_MS)
        })
        return Promise.race([work, late])
    }
    try {
        await within('the preview', host.startPreview())
        const hostJoinedMs = await within('the join of the host', join(host, verification, 'host'))
        await within('the publishing', host.publish())
        const beginning = performance.now()
        const viewerJoinedMs = await within('the join of the viewer', join(viewer, verification, 'audience'))
        const size = await within('the first frame', firstFrame(viewer, verification.host.uid))
        return { hostJoinedMs, viewerJoinedMs, firstFrameMs: Math.round(performance.now() - beginning), ...size }
    } catch (error) {
        return { failed: step, reason: error instanceof Error ? error.message : String(error) }
    } finally {
        await Promise.all([host.dispose(), viewer.dispose()]).catch(() => {})
    }
}

/** The milliseconds that it took. */
async function join(engine: VideoEngine, { channelId, host, viewer }: Verification, role: VideoRole): Promise<number> {
    const { uid, token } = role === 'host' ? host : viewer
    const beginning = performance.now()
    await engine.join({ channelId, token, uid, role, signal: AbortSignal.timeout(DEADLINE_MS) })
    return Math.round(performance.now() - beginning)
}

/** Resolves with the size of the picture once one was drawn and is not black. */
async function firstFrame(viewer: VideoEngine<HTMLElement>, uid: number): Promise<{ width: number; height: number }> {
    const view = document.createElement('div')
    view.style.cssText = 'width: 320px; height: 240px'
    document.body.append(view)
    let size = { width: 0, height: 0 }
    viewer.on('size', (told) => {
        if (told.uid === uid) size = { width: told.width, height: told.height }
    })
    viewer.setView(uid, view, { objectFit: 'contain', mirror: false })
    const drawn = new Promise<void>((resolve) => {
        viewer.on('frame', (told) => {
            if (told.uid === uid && viewer.brightness(uid) !== 0) resolve()
        })
    })
    await subscribeOnce(viewer, uid)
    await drawn
    return size
}

/** The host may be told of before or after this. */
async function subscribeOnce(viewer: VideoEngine, uid: number): Promise<void> {
    try {
        await viewer.subscribe(uid)
    } catch {
        await new Promise<void>((resolve) => {
            viewer.on('remoteJoined', (told) => {
                if (told.uid === uid) resolve()
            })
        })
        await viewer.subscribe(uid)
    }
}
