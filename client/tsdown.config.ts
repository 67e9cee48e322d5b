/** The build of the package: each entry point that package.json exports, as ESM and CJS, with types. */

import { readFileSync } from 'node:fs'
import { defineConfig, type UserConfig } from 'tsdown'

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
const entries = Object.values(exports as Record<string, string | { import: { default: string } }>)
    .filter((entry) => typeof entry !== 'string')
    .map((entry) => entry.import.default.replace(/^\.\/dist\/(\w+)\.mjs$/, 'src/$1.ts'))

const config: UserConfig = defineConfig({
    entry: entries,
    format: ['esm', 'cjs'],
    platform: 'neutral',
    target: 'es2022',
    dts: true,
    // With `type: module` the names are .mjs and .cjs, as the exports of package.json say.
    fixedExtension: true,
    sourcemap: false,
    clean: true,
})

export default config
