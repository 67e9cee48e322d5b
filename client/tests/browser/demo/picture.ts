/** Whether video is really drawn: frames that come, in a picture that is not black. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { DEADLINE_MS } from './person.ts'

/** Until new frames are presented and the picture is lit. `waitForFunction` would take the promise itself for a yes. */
export async function videoPlays(page: Page): Promise<void> {
    const end = Date.now() + DEADLINE_MS
    while (!(await page.evaluate(isPlaying))) {
        if (Date.now() > end) throw new Error(`the video does not play within ${DEADLINE_MS} ms`)
        await pause(250)
    }
}

/** Runs in the page. */
async function isPlaying(): Promise<boolean> {
    const video = document.querySelector<HTMLVideoElement>('.stage-video video')
    if (video === null || video.videoWidth === 0) return false
    const frame = new Promise<boolean>((done) => {
        video.requestVideoFrameCallback(() => done(true))
        setTimeout(() => done(false), 1_000)
    })
    if (!(await frame)) return false
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 16
    const context = canvas.getContext('2d')
    if (context === null) return false
    context.drawImage(video, 0, 0, 16, 16)
    const { data } = context.getImageData(0, 0, 16, 16)
    let sum = 0
    for (let index = 0; index < data.length; index += 4) sum += data[index] ?? 0
    return sum / 256 > 20
}
