/** A test picture for browsers without a camera: colours, something that moves, and a clock that shows the delay. */

import type { Cancel, Clock } from '../../clock/clock.ts'

const FRAMES_PER_SECOND = 15
const LONG_SIDE = 640
const SHORT_SIDE = 480
const BARS = ['#c0c0c0', '#c0c000', '#00c0c0', '#00c000', '#c000c0', '#c00000', '#0000c0']

export class DrawnPicture {
    readonly stream: MediaStream
    readonly #clock: Clock
    readonly #canvas: HTMLCanvasElement
    readonly #context: CanvasRenderingContext2D | null
    readonly #label: string
    #frames = 0
    #next: Cancel | null = null

    constructor(clock: Clock, label: string) {
        this.#clock = clock
        this.#label = label
        this.#canvas = document.createElement('canvas')
        this.#canvas.width = LONG_SIDE
        this.#canvas.height = SHORT_SIDE
        this.#context = this.#canvas.getContext('2d')
        this.#draw()
        this.stream = this.#canvas.captureStream(FRAMES_PER_SECOND)
        this.#schedule()
    }

    /** As a phone that is turned: width and height change places. */
    turn(): void {
        const { width, height } = this.#canvas
        this.#canvas.width = height
        this.#canvas.height = width
        this.#draw()
    }

    stop(): void {
        this.#next?.()
        this.#next = null
        for (const track of this.stream.getTracks()) track.stop()
    }

    #schedule(): void {
        this.#next = this.#clock.after(1_000 / FRAMES_PER_SECOND, () => {
            this.#draw()
            this.#schedule()
        })
    }

    #draw(): void {
        const context = this.#context
        if (context === null) return
        const { width, height } = this.#canvas
        const bar = width / BARS.length
        for (const [index, colour] of BARS.entries()) {
            context.fillStyle = colour
            context.fillRect(index * bar, 0, bar + 1, height)
        }
        const turn = (this.#frames++ / FRAMES_PER_SECOND) * Math.PI
        context.fillStyle = '#ffffff'
        context.beginPath()
        context.arc(width / 2 + (Math.cos(turn) * width) / 3, height / 3, 32, 0, 2 * Math.PI)
        context.fill()
        context.fillStyle = '#101010'
        context.fillRect(0, height * 0.6, width, height * 0.25)
        context.fillStyle = '#ffffff'
        context.textAlign = 'center'
        context.font = `${Math.round(width / 12)}px monospace`
        context.fillText(timeOf(this.#clock.now()), width / 2, height * 0.72)
        context.font = `${Math.round(width / 24)}px monospace`
        context.fillText(this.#label, width / 2, height * 0.81)
    }
}

function timeOf(now: number): string {
    return new Date(now).toISOString().slice(11, 22)
}
