/** Plays a real join of Agora in Chromium: reads the project and the tokens from the standard input, prints what was seen as JSON. */

import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { AGORA, bundle } from '../bundle.ts'
import { launchChromium } from '../chromium.ts'
import type { Answer, Verification } from './page.ts'

const SCRIPT = fileURLToPath(new URL('page.ts', import.meta.url))
/** The last one counts: Agora's hosts have to be found. */
const ONLINE = '--host-resolver-rules='
/** Secure, as cameras want it; nothing is fetched from there. */
const PAGE = 'https://verification.test/'

const verification: Verification = JSON.parse(await text(process.stdin))
const answer = await verify(verification)
process.stdout.write(JSON.stringify(answer))

async function verify(verification: Verification): Promise<Answer> {
    const browser = await launchChromium({ args: [ONLINE] })
    try {
        const context = await browser.newContext()
        await context.route(`${PAGE}**`, (route) =>
            route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>verification</title>' })
        )
        const page = await context.newPage()
        await page.goto(PAGE)
        await page.addScriptTag({ path: AGORA })
        await page.addScriptTag({ content: await bundle(SCRIPT), type: 'module' })
        await page.waitForFunction(() => 'verify' in window)
        return await page.evaluate((verification) => window.verify(verification), verification)
    } catch (error) {
        return { failed: 'the browser', reason: error instanceof Error ? error.message : String(error) }
    } finally {
        await browser.close()
    }
}
