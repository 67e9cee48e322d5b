/** Plays a real join of Agora in Chromium: reads the project and the tokens from the standard input, prints what was seen as JSON. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'
import { launchChromium } from '../chromium.ts'
import type { Answer, Verification } from './page.ts'

const CLIENT = fileURLToPath(new URL('../../../', import.meta.url))
const AGORA = join(CLIENT, 'node_modules/agora-rtc-sdk-ng/AgoraRTC_N-production.js')
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
        await page.addScriptTag({ content: await bundle(), type: 'module' })
        await page.waitForFunction(() => 'verify' in window)
        return await page.evaluate((verification) => window.verify(verification), verification)
    } catch (error) {
        return { failed: 'the browser', reason: error instanceof Error ? error.message : String(error) }
    } finally {
        await browser.close()
    }
}

async function bundle(): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), 'pg-stream-verification-'))
    try {
        await build({
            config: false,
            cwd: CLIENT,
            entry: { page: fileURLToPath(new URL('page.ts', import.meta.url)) },
            outDir: directory,
            format: 'esm',
            platform: 'browser',
            target: 'es2022',
            dts: false,
            fixedExtension: true,
            logLevel: 'silent',
        })
        return readFileSync(join(directory, 'page.mjs'), 'utf8')
    } finally {
        rmSync(directory, { recursive: true })
    }
}
