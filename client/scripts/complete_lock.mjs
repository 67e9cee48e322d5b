/** Completes package-lock.json: npm leaves out optional packages of other platforms that its registry does not serve, and then refuses the lock. Of this package, or of the folder that is named: `node scripts/complete_lock.mjs expo_example`. */

import { readFileSync, writeFileSync } from 'node:fs'

/** A scope's packages name their platform; that of Vite is for Windows alone. */
const PLATFORMS = { darwin: 'darwin', linux: 'linux', win32: 'win32', windows: 'win32' }

/** That of this package, or of the folder in it that the argument names. */
const file = new URL(`../${process.argv[2] ?? '.'}/package-lock.json`, import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
let added = 0
for (const entry of Object.values(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
        const path = `node_modules/${name}`
        if (lock.packages[path]) continue
        const words = name.split(/[/-]/)
        const os = words.map((word) => PLATFORMS[word]).find(Boolean)
        const cpu = words.find((word) => word === 'x64' || word === 'arm64')
        if (!os) throw new Error(`${name} names no platform`)
        const version = range.replace(/^[\^~]/, '')
        lock.packages[path] = {
            version,
            ...(cpu && { cpu: [cpu] }),
            ...(entry.dev && { dev: true }),
            optional: true,
            os: [os],
        }
        added++
    }
}
const sorted = Object.entries(lock.packages).sort(([one], [other]) => (one < other ? -1 : 1))
lock.packages = Object.fromEntries(sorted)
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} packages of other platforms added`)
