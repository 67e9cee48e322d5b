/** A page of the browser tests with all that it imports, as one script. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'tsdown'

export const CLIENT: string = new URL('../..', import.meta.url).pathname

/** Agora's SDK as its maker builds it. */
export const AGORA: string = join(CLIENT, 'node_modules/agora-rtc-sdk-ng/AgoraRTC_N-production.js')

export async function bundle(entry: string): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), 'pg-stream-page-'))
    try {
        await build({
            config: false,
            cwd: CLIENT,
            entry: { page: entry },
            outDir: directory,
            format: 'esm',
            platform: 'browser',
            target: 'es2022',
            dts: false,
            fixedExtension: true,
            logLevel: 'silent',
            deps: { alwaysBundle: [/./], onlyBundle: false },
        })
        return readFileSync(join(directory, 'page.mjs'), 'utf8')
    } finally {
        rmSync(directory, { recursive: true })
    }
}
