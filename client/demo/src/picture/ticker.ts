/** A worker that ticks for each frame: the timers of a page slow down where its tab is hidden, a worker's do not. */

const FRAMES_PER_S = 15

setInterval(() => postMessage(null), 1000 / FRAMES_PER_S)

export {}
