/** The packages that each entry point loads: Metro makes no bundle with one that an app has not installed, not even with an `import()` of it. */

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { entryPoints } from './entries.mjs'
import { ROOT } from './run.mjs'

const REACT = ['react', 'react/jsx-runtime']

/** Every other entry point loads nothing. SDKs are handed in. */
const ALLOWED = { react: REACT, web: REACT, react_native: [...REACT, 'react-native'] }

const IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["']([^"']+)["']/g
const DYNAMIC = /\bimport\s*\(/

/** @returns {Promise<string[]>} problems */
export async function checkImports() {
    return entryPoints().flatMap((entry) =>
        ['mjs', 'cjs'].flatMap((extension) => {
            const allowed = ALLOWED[entry] ?? []
            return loadedBy(`${entry}.${extension}`)
                .filter((name) => !allowed.includes(name))
                .map((name) => `dist/${entry}.${extension} loads ${name}`)
        })
    )
}

/** @param {string} entry a file of `dist` @returns {string[]} packages, directly or over files that several entry points share */
function loadedBy(entry) {
    const files = [join(ROOT, 'dist', entry)]
    const packages = new Set()
    for (const file of files) {
        const text = readFileSync(file, 'utf8')
        if (DYNAMIC.test(text)) packages.add('something by import()')
        for (const [, name] of text.matchAll(IMPORT)) {
            if (!name.startsWith('.')) packages.add(name)
            else if (!files.includes(join(dirname(file), name))) files.push(join(dirname(file), name))
        }
    }
    return [...packages]
}
