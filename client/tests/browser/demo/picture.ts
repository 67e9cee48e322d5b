/** Whether video is really drawn: frames that come, in a picture that is not black. */

import type { Page } from 'playwright-core'

/** Until new frames are presented and the picture is lit. */
export async function videoPlays(page: Page): Promise<void> {
    await page.waitForFunction(
        async () => {
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
        },
        undefined,
        { polling: 250 }
    )
}
