/**
 * Compiles the documentation's TypeScript against the types of the database, and tells what does not compile.
 *
 * The types are made by the generator behind `supabase gen types`. Compiled are the blocks marked `ts` of each Markdown
 * file, each a module of its own, and `calls.ts`, which calls every function with what may be left out left out.
 *
 * Argument: {socketDir, port, database, root, documents: paths below root}.
 * Answer: {types: text, examples: [places], called: [functions], problems: [texts]}.
 */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateTypescript, sortGeneratorMetadata } from '@supabase/postgrest-typegen/generation'
import { introspect } from '@supabase/postgrest-typegen/introspection'
import pg from 'pg'
import ts from 'typescript'
import { examplesIn } from './examples.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))

/** What the examples take for granted: a client that is signed in, and ids that the app has. */
const AMBIENT = `
import type { SupabaseClient } from '@supabase/supabase-js'
import type { Database } from './database.types'
declare global {
    const supabase: SupabaseClient<Database, 'stream'>
    const url: string
    const anonKey: string
    const auctionId: string
    const sessionId: string
    const userId: string
    const messageId: string
}
`

const OPTIONS = {
    strict: true,
    noEmit: true,
    noImplicitReturns: true,
    exactOptionalPropertyTypes: false,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2024.d.ts', 'lib.dom.d.ts'],
    types: [],
}

const { socketDir, port, database, root, documents } = JSON.parse(process.argv[2])

async function generatedTypes() {
    const client = new pg.Client({ host: socketDir, port, database, user: 'postgres' })
    await client.connect()
    try {
        const metadata = await introspect(client, { includedSchemas: ['stream'] })
        return await generateTypescript(sortGeneratorMetadata(metadata), { postgrestVersion: '14' })
    } finally {
        await client.end()
    }
}

/** The problems of files that exist in memory only, beside this one. @param {Map<string, string>} files */
function compile(files) {
    const host = ts.createCompilerHost(OPTIONS)
    const { readFile, fileExists, getSourceFile } = host
    host.readFile = (path) => files.get(path) ?? readFile(path)
    host.fileExists = (path) => files.has(path) || fileExists(path)
    host.getSourceFile = (path, version, ...rest) => {
        const text = files.get(path)
        return text === undefined ? getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version)
    }
    const program = ts.createProgram([...files.keys()], OPTIONS, host)
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
        const place = file && `${file.fileName}:${file.getLineAndCharacterOfPosition(start ?? 0).line + 1}: `
        return `${place ?? ''}${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
}

const types = await generatedTypes()
const calls = readFileSync(join(HERE, 'calls.ts'), 'utf8')
const files = new Map([
    [join(HERE, 'database.types.ts'), types],
    [join(HERE, 'ambient.ts'), AMBIENT],
    [join(HERE, 'calls.ts'), calls],
])
const examples = documents
    .filter((path) => existsSync(join(root, path)))
    .flatMap((path) => examplesIn(readFileSync(join(root, path), 'utf8')).map((example) => ({ path, ...example })))
for (const { path, line, text } of examples) {
    files.set(join(HERE, `${path.replaceAll('/', '-')}-${line}.ts`), `${text}\nexport {}\n`)
}
const called = [...calls.matchAll(/\.rpc\('(\w+)'/g)].map((match) => match[1])
process.stdout.write(
    JSON.stringify({
        types,
        examples: examples.map(({ path, line }) => `${path}:${line}`),
        called,
        problems: compile(files),
    }),
)
