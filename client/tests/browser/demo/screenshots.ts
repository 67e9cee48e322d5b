/** Pictures of the demo app for the documents, from a running stack: a phone and a desk, dark and light. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../chromium.ts'
import { DESK, Person, PHONE } from './person.ts'
import { videoPlays } from './picture.ts'

const { values } = parseArgs({
    options: {
        url: { type: 'string' },
        out: { type: 'string', default: 'docs/images' },
        format: { type: 'string', default: 'webp' },
    },
})
const app = `${values.url ?? ''}/demo/`
const out = values.out
const TITLE = 'Leica M3'
const THEMES = ['dark', 'light'] as const
const QUALITY = 0.86
/** Those that the documents show; a run with --format png writes every screen, to be looked at. */
const SHOWN = ['stage', 'seller_desk', 'connection_phone', 'moderation_desk', 'summary_phone', 'catalogue_desk']

mkdirSync(out, { recursive: true })
const browser = await launchChromium()
try {
    await take(browser)
} finally {
    await browser.close()
}

async function take(browser: Browser): Promise<void> {
    const visitor = await (await browser.newContext({ viewport: PHONE })).newPage()
    await visitor.goto(app)
    await visitor.getByRole('button', { name: /^ada/ }).waitFor()
    await shots(visitor, 'sign_in', out)

    const seller = await Person.enter(browser, app, 'seller', { viewport: DESK })
    await seller.openAuction(TITLE)
    await shots(seller.page, 'lot', out)
    await seller.press('Open the studio')
    await seller.press('Drawn picture')
    await seller.press('Start the preview')
    await videoPlays(seller.page)
    await seller.page.getByRole('button', { name: 'Go live' }).waitFor()
    await shots(seller.page, 'preview', out)
    await seller.press('Go live')
    await seller.page.locator('.badge').getByText('Live').waitFor()

    const ada = await Person.enter(browser, app, 'ada')
    const ben = await Person.enter(browser, app, 'ben', { viewport: DESK })
    const cleo = await Person.enter(browser, app, 'cleo', { viewport: DESK })
    for (const buyer of [ada, ben, cleo]) await buyer.openAuction(TITLE)
    await seller.say('Good evening, and welcome. Lot one: a Leica M3 with the 50 Summicron.')
    await ada.say('Is the case the original one?')
    await ben.say('Lovely patina on that top plate')
    await seller.say('It is, with the strap. The shutter was serviced in March, I have the paper here.')
    await ben.press(/^Bid €/)
    await cleo.say('How does it sound at a fifteenth?')
    await ada.press(/^Bid €/)
    await seller.say('Listen for yourself…')
    await cleo.press(/^Bid €/)
    await ben.say('That purr!')
    await seller.page.getByRole('log').getByText('That purr!').waitFor()
    await ben.press('€1')
    for (const [person, kind] of [
        [ada, 'love'],
        [ben, 'clap'],
        [cleo, 'love'],
        [cleo, 'fire'],
        [ada, 'wow'],
    ] as const)
        await person.press(new RegExp(`^${kind}:`))
    const row = seller.page.locator('.row-user', { hasText: 'serviced in March' })
    await row.getByRole('button').click()
    await seller.press('Pin')
    await ada.page.locator('.pinned').waitFor()
    for (const buyer of [ada, ben]) await sharpens(buyer.page)
    await ada.say('I am out. Enjoy it, Ben.')
    await ben.reads('Enjoy it')

    await shots(ada.page, 'stage', out)
    await shots(ben.page, 'stage', out, DESK)
    await shots(seller.page, 'seller', out)
    await sheets(seller, ada)
    await ada.togglePanel()
    await ada.page.getByText('Round trip').waitFor()
    await shots(ada.page, 'connection', out)
    await ada.togglePanel()
    await ben.togglePanel()
    await shots(ben.page, 'connection', out, DESK)
    await ben.togglePanel()
    await seller.press('Moderate')
    await shots(seller.page, 'moderation', out)
    await seller.page.keyboard.press('Escape')
    await seller.press('End')
    await seller.press('End the auction')
    await ada.page.getByRole('region', { name: 'Summary' }).waitFor()
    await shots(ada.page, 'summary', out)
    await shots(ben.page, 'summary', out, DESK)
    await cleo.page.getByRole('link', { name: 'All auctions' }).first().click()
    await cleo.page.getByRole('heading', { name: 'The catalogue' }).waitFor()
    await shots(cleo.page, 'catalogue', out)
}

/** What is shown for a moment only: a pause, sheets, a network that is cut, a page that sleeps. */
async function sheets(seller: Person, ada: Person): Promise<void> {
    if (values.format !== 'png') return
    await seller.press('Pause')
    await ada.page.getByText('A short break').waitFor()
    await shots(ada.page, 'paused', out)
    await shots(seller.page, 'paused', out)
    await seller.press('Resume')
    await videoPlays(ada.page)
    await ada.press('Other')
    await shots(ada.page, 'other_bid', out)
    await ada.page.keyboard.press('Escape')
    await seller.page.locator('.row-user', { hasText: 'That purr!' }).getByRole('button').click()
    await shots(seller.page, 'message', out)
    await seller.page.keyboard.press('Escape')
    await ada.togglePanel()
    await ada.flip(/Cut my network/)
    await ada.page.getByText('reconnecting', { exact: true }).waitFor()
    await ada.page.getByRole('button', { name: 'Close' }).click()
    await shots(ada.page, 'cut', out)
    await ada.togglePanel()
    await ada.flip(/Cut my network/)
    await videoPlays(ada.page)
    await ada.press(/^Sleep/)
    await shots(ada.page, 'asleep', out)
    await ada.press('Wake now')
    await videoPlays(ada.page)
    await ada.page.keyboard.press('Escape')
}

/** Until the video has the size in which it is sent: a call begins small. */
async function sharpens(page: Page): Promise<void> {
    await videoPlays(page)
    await page
        .waitForFunction(() => (document.querySelector<HTMLVideoElement>('.stage-video video')?.videoWidth ?? 0) >= 960)
        .catch(() => console.error('the video stays small'))
}

/** One picture for each theme; the name says where it is from. */
async function shots(page: Page, name: string, folder: string, at = page.viewportSize() ?? PHONE): Promise<void> {
    const where = at.width < 600 ? 'phone' : 'desk'
    if (values.format !== 'png' && !SHOWN.some((shown) => `${name}_${where}`.startsWith(shown))) return
    for (const theme of THEMES) {
        await page.emulateMedia({ colorScheme: theme })
        // Notices go by themselves.
        await page.locator('.toast').first().waitFor({ state: 'detached' })
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
        const png = await page.screenshot({ scale: 'css' })
        const image = values.format === 'png' ? png : await webp(page, png)
        writeFileSync(`${folder}/demo_${name}_${where}_${theme}.${values.format}`, image)
    }
}

/** The browser's own encoder: a fifth of the size. */
async function webp(page: Page, png: Buffer): Promise<Buffer> {
    const encoded = await page.evaluate(
        async ([source, quality]) => {
            const image = new Image()
            image.src = source
            await image.decode()
            const canvas = document.createElement('canvas')
            canvas.width = image.naturalWidth
            canvas.height = image.naturalHeight
            canvas.getContext('2d')?.drawImage(image, 0, 0)
            return canvas.toDataURL('image/webp', quality)
        },
        [`data:image/png;base64,${png.toString('base64')}`, QUALITY] as const
    )
    return Buffer.from(encoded.slice(encoded.indexOf(',') + 1), 'base64')
}
