/** The TypeScript in a Markdown text: blocks that are marked `ts`, and the modules that they make. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const BLOCK = /^```ts\n(.*?)^```$/gms

/** @param {string} markdown @returns {{line: number, text: string}[]} the line is that of the fence */
export function examplesIn(markdown) {
    return [...markdown.matchAll(BLOCK)].map((match) => ({
        line: markdown.slice(0, match.index).split('\n').length,
        text: match[1],
    }))
}

/**
 * The module that a document shows and that declares a name, from beside the packages that it imports.
 * @param {string} path @param {string} name
 */
export async function moduleIn(path, name) {
    const example = examplesIn(readFileSync(path, 'utf8')).find(({ text }) => text.includes(name))
    if (!example) throw new Error(`${path} shows no ${name}`)
    const { outputText } = ts.transpileModule(example.text, {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
    })
    const packages = join(dirname(fileURLToPath(import.meta.url)), 'node_modules')
    mkdirSync(join(packages, '.examples'), { recursive: true })
    const directory = mkdtempSync(join(packages, '.examples', 'module-'))
    try {
        writeFileSync(join(directory, 'example.mjs'), outputText)
        return await import(pathToFileURL(join(directory, 'example.mjs')).href)
    } finally {
        rmSync(directory, { recursive: true })
    }
}
