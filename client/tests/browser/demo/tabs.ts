/**
 * Seller and buyer in tabs of one browser, as somebody tries the demo: the seller's is behind, and the picture moves all the same,
 * drawn or of a camera. Prints one line of JSON: what was wrong, and what was measured.
 */

import { parseArgs } from 'node:util'
import { type Tab, Tabs } from '../tabs.ts'

const text = { type: 'string' } as const
const { values } = parseArgs({
    options: { 'supabase-url': text, 'service-key': text, 'anon-key': text, 'app-id': text },
})
const url = `${values['supabase-url'] ?? ''}/demo/`

const TITLE = 'Leica M3'
const FRAMES = 60
/** A hidden page's own timers bring one frame a second. */
const SLOW_MS = 400

const findings: { where: string; what: string }[] = []
const measured: Record<string, number> = {}
const tabs = await Tabs.launch()
let said = ''
const say = (line: string) => {
    said = line
}

try {
    say('the seller goes live with the drawn picture, and a tab for the buyer is opened before it')
    const seller = await enter('seller')
    await seller.press('Open the studio')
    await goLive(seller, 'Drawn picture')
    const buyer = await enter('ada')
    await buyer.toFront()
    await watch(seller, buyer, 'drawn picture')

    say('the seller comes back with the camera')
    await seller.toFront()
    await seller.evaluate(() => location.reload())
    await seller.press('Host from here')
    await goLive(seller, 'Camera')
    const label = await seller.evaluate(() => {
        const stream = document.querySelector('video')?.srcObject as MediaStream | null
        return stream?.getVideoTracks()[0]?.label ?? ''
    })
    // A canvas has none.
    if (!label.includes('fake')) findings.push({ where: 'camera', what: `its track is not passed on: "${label}"` })
    await buyer.toFront()
    await watch(seller, buyer, 'camera')
} catch (error) {
    findings.push({ where: said, what: error instanceof Error ? (error.stack ?? error.message) : String(error) })
} finally {
    await tabs.close()
}
console.log(JSON.stringify({ findings, measured }))

async function enter(name: string): Promise<Tab> {
    const tab = await tabs.open(url)
    await tab.toFront()
    await tab.press(name)
    await tab.press(TITLE)
    return tab
}

async function goLive(seller: Tab, source: string): Promise<void> {
    await seller.press(source)
    await seller.press('Start the preview')
    await seller.phase('preview')
    await seller.press('Go live')
    await seller.phase('publishing')
}

/** The median time between two pictures, by the clock of the one who sends them. */
async function watch(seller: Tab, buyer: Tab, where: string): Promise<void> {
    await seller.until(() => document.visibilityState === 'hidden')
    await buyer.phase('playing')
    const gaps = await buyer.evaluate(async (count) => {
        const times: number[] = []
        while (times.length < count) {
            const video = document.querySelector('video')
            await new Promise<void>((resolve) => {
                video?.requestVideoFrameCallback((_, { mediaTime, rtpTimestamp }) => {
                    times.push(rtpTimestamp === undefined ? mediaTime * 1_000 : rtpTimestamp / 90)
                    resolve()
                })
            })
        }
        return times.slice(1).map((time, index) => time - (times[index] ?? 0))
    }, FRAMES)
    const median = gaps.sort((one, other) => one - other)[Math.floor(gaps.length / 2)] ?? 0
    measured[where] = Math.round(median)
    if (median > SLOW_MS) findings.push({ where, what: `a picture each ${Math.round(median)} ms from a tab behind` })
    if (!(await seller.evaluate(() => document.visibilityState === 'hidden')))
        findings.push({ where, what: 'the tab of the seller was in front' })
}
