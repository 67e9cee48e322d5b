/** The sizes of the entry points, minified and compressed, without peers: a bound for each, and no silent growth. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'
import { entryPoints } from './entries.mjs'
import { compare, ROOT } from './run.mjs'

const REPORT = 'report/size.json'

/** How much larger than the committed size an entry point may be. */
const GROWTH = 0.05

/** Bytes: the core, and what each other entry point adds. */
const MOST = {
    index: 20_000,
    edge: 2_000,
    messages: 2_000,
    react: 4_000,
    viewer: 10_000,
    web: 15_000,
    react_native: 20_000,
    loopback: 8_000,
    agora_web: 8_000,
}

/** @param {{isUpdate: boolean}} options @returns {Promise<string[]>} */
export async function checkSize({ isUpdate }) {
    const sizes = await measure()
    const problems = Object.entries(MOST)
        .filter(([entry, most]) => sizes[entry] > most)
        .map(([entry, most]) => `${entry} has ${sizes[entry]} bytes minified and compressed, of at most ${most}`)
    if (isUpdate) compare(REPORT, `${JSON.stringify(sizes, null, 2)}\n`, true)
    const known = JSON.parse(readFileSync(ROOT + REPORT, 'utf8'))
    for (const [entry, size] of Object.entries(sizes)) {
        const growth = size / known[entry] - 1
        if (!(growth <= GROWTH)) {
            const percent = (growth * 100).toFixed(1)
            problems.push(
                `${entry} has grown by ${percent} % to ${size} bytes: node scripts/check_package.mjs --update accepts it`
            )
        }
    }
    console.log(`sizes, minified and compressed: ${JSON.stringify(sizes)}`)
    return problems
}

/** What an app has loaded already when it comes to an entry point, whose size is what it adds. */
const BESIDE = {
    edge: ['index'],
    react: ['index'],
    viewer: ['index'],
    web: ['index', 'react'],
    react_native: ['index', 'react'],
    loopback: ['index'],
    agora_web: ['index'],
}
/** Exports of the same name as those of the core, which would hide each other. */
const AGAIN = {
    edge: `;export { createStreamClient } from '${ROOT}src/index.ts';export { createStreamClient as edge } from '${ROOT}src/edge.ts'`,
}

/** No app loads it. */
const UNMEASURED = ['testing']

/**
 * Of each entry point everything that it exports, less what lies beside it.
 * @returns {Promise<Record<string, number>>}
 */
async function measure() {
    const sizes = {}
    for (const entry of entryPoints().filter((entry) => !UNMEASURED.includes(entry))) {
        const beside = BESIDE[entry] ?? []
        const [whole, less] = await Promise.all([sizeOfAll([...beside, entry]), sizeOfAll(beside)])
        sizes[entry] = whole - less
    }
    return sizes
}

/** @param {string[]} entries @returns {Promise<number>} bytes */
async function sizeOfAll(entries) {
    if (entries.length === 0) return 0
    return await sizeOf(entries.map((entry) => `export * from '${ROOT}src/${entry}.ts'${AGAIN[entry] ?? ''}`).join(';'))
}

/** @param {string} source @returns {Promise<number>} bytes */
async function sizeOf(source) {
    const directory = mkdtempSync(join(tmpdir(), 'pg-stream-size-'))
    try {
        writeFileSync(join(directory, 'entry.mjs'), source)
        await build({
            config: false,
            cwd: ROOT,
            entry: { bundle: join(directory, 'entry.mjs') },
            outDir: join(directory, 'out'),
            format: 'esm',
            platform: 'neutral',
            target: 'es2022',
            dts: false,
            minify: true,
            // Bundlers read the annotations and leave them out of an app.
            outputOptions: { comments: false },
            fixedExtension: true,
            logLevel: 'silent',
        })
        return gzipSync(readFileSync(join(directory, 'out/bundle.mjs')), { level: 9 }).length
    } finally {
        rmSync(directory, { recursive: true })
    }
}
