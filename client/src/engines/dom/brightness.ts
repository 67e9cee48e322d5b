/** The mean luma of a video's picture, read through a canvas of a few pixels. */

const WIDTH = 16
const HEIGHT = 9

/** One canvas for all reads: the picture is drawn, read and forgotten. */
let context: CanvasRenderingContext2D | null | undefined

/** From 0, black, to 1; null where there is no picture or its pixels may not be read. */
export function brightnessOf(video: HTMLVideoElement): number | null {
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) return null
    context ??= makeContext()
    if (!context) return null
    try {
        context.drawImage(video, 0, 0, WIDTH, HEIGHT)
        return meanLuma(context.getImageData(0, 0, WIDTH, HEIGHT).data)
    } catch {
        return null
    }
}

function makeContext(): CanvasRenderingContext2D | null {
    const canvas = document.createElement('canvas')
    canvas.width = WIDTH
    canvas.height = HEIGHT
    return canvas.getContext('2d', { willReadFrequently: true })
}

/** Of RGBA bytes, by ITU-R BT.601. */
export function meanLuma(pixels: ArrayLike<number>): number {
    let sum = 0
    for (let at = 0; at + 3 < pixels.length; at += 4) {
        sum += 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0)
    }
    return sum / (pixels.length / 4) / 255
}
