/** Pages of plain http, as phones of the local network open them, lack what browsers give to secure pages alone. */

import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const CLIENT = fileURLToPath(new URL('../../', import.meta.url))

/** `mediaDevices` is asked for with `?.`; these throw. */
const SECURE_ALONE = /randomUUID\(|crypto\.subtle|navigator\.(locks|clipboard|serviceWorker)\b/

test('nothing that a phone loads needs a secure page', () => {
    const files = globSync('{src,demo/src}/**/*.{ts,tsx}', { cwd: CLIENT })
    expect(files.length).toBeGreaterThan(100)
    const needing = files.filter((file) => SECURE_ALONE.test(readFileSync(CLIENT + file, 'utf8')))
    expect(needing).toEqual([])
})
