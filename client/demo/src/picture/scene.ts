/** The drawn test picture: a lot on a lit table, with a clock that shows whether frames still come. */

export interface Scene {
    /** The drawing of the lot, once it is loaded. */
    lot: CanvasImageSource | null
}

export function drawScene(context: CanvasRenderingContext2D, scene: Scene, nowMs: number): void {
    const { width, height } = context.canvas
    drawRoom(context, width, height)
    drawLot(context, scene, nowMs, width, height)
    drawCaption(context, nowMs, width, height)
}

export function drawBlack(context: CanvasRenderingContext2D): void {
    context.fillStyle = '#000'
    context.fillRect(0, 0, context.canvas.width, context.canvas.height)
}

function drawRoom(context: CanvasRenderingContext2D, width: number, height: number): void {
    const wall = context.createLinearGradient(0, 0, 0, height)
    wall.addColorStop(0, '#26323b')
    wall.addColorStop(0.68, '#4a5a5f')
    wall.addColorStop(0.69, '#8a6a4a')
    wall.addColorStop(1, '#3d2b1e')
    context.fillStyle = wall
    context.fillRect(0, 0, width, height)
    const light = context.createRadialGradient(width / 2, height * 0.42, 20, width / 2, height * 0.42, width * 0.5)
    light.addColorStop(0, 'rgba(255, 236, 200, 0.55)')
    light.addColorStop(1, 'rgba(255, 236, 200, 0)')
    context.fillStyle = light
    context.fillRect(0, 0, width, height)
}

function drawLot(context: CanvasRenderingContext2D, scene: Scene, nowMs: number, width: number, height: number): void {
    const size = height * 0.66
    const sway = Math.sin(nowMs / 1400)
    context.save()
    context.translate(width / 2 + sway * width * 0.015, height * 0.46)
    context.fillStyle = 'rgba(20, 12, 6, 0.35)'
    context.beginPath()
    context.ellipse(0, size * 0.43, size * 0.52, size * 0.07, 0, 0, 2 * Math.PI)
    context.fill()
    context.rotate(sway * 0.012)
    if (scene.lot !== null) context.drawImage(scene.lot, -size / 2, -size / 2, size, size)
    context.restore()
}

function drawCaption(context: CanvasRenderingContext2D, nowMs: number, width: number, height: number): void {
    const unit = height / 27
    context.textBaseline = 'middle'
    context.font = `600 ${unit * 0.95}px "Inter Variable", sans-serif`
    const label = `${timeOf(nowMs)}  test picture`
    const labelWidth = context.measureText(label).width
    panel(context, unit, height - unit * 3, labelWidth + unit * 1.6, unit * 2)
    context.fillStyle = '#fff'
    context.fillText(label, unit * 1.8, height - unit * 2)
    // A hand that turns once in four seconds, so that one look tells a frozen picture.
    const turn = (nowMs % 4000) / 4000
    const [x, y, radius] = [width - unit * 2.2, height - unit * 2.2, unit * 1.2]
    context.lineWidth = unit * 0.3
    context.strokeStyle = 'rgba(255, 255, 255, 0.35)'
    circle(context, x, y, radius, 1)
    context.strokeStyle = '#ffd98a'
    circle(context, x, y, radius, turn)
}

function panel(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
    context.fillStyle = 'rgba(10, 11, 14, 0.72)'
    context.beginPath()
    context.roundRect(x, y, width, height, height / 3)
    context.fill()
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number, share: number): void {
    context.beginPath()
    context.arc(x, y, radius, -Math.PI / 2, -Math.PI / 2 + share * 2 * Math.PI)
    context.stroke()
}

/** Hours to tenths of a second, in the user's own zone. */
export function timeOf(nowMs: number): string {
    const date = new Date(nowMs)
    const two = (value: number) => String(value).padStart(2, '0')
    const tenth = Math.floor(date.getMilliseconds() / 100)
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${tenth}`
}
