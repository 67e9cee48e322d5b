/** The examples of the documentation compile against the sources of the package. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const ENTRIES = {
    '': 'index',
    '/edge': 'edge',
    '/react': 'react',
    '/react-native': 'react_native',
    '/messages': 'messages',
    '/viewer': 'viewer',
    '/loopback': 'loopback',
    '/testing': 'testing',
    '/web': 'web',
}

/** The blocks marked `tsx` of a document. */
function examplesIn(document: string): string[] {
    const text = readFileSync(join(ROOT, '../docs', document), 'utf8')
    return [...text.matchAll(/^```tsx\n(.*?)^```$/gms)].map((match) => match[1] ?? '')
}

/** What tsc says about the examples, each a module. */
function compile(examples: string[]): string {
    mkdirSync(join(ROOT, 'node_modules/.examples'), { recursive: true })
    const directory = mkdtempSync(join(ROOT, 'node_modules/.examples/run-'))
    try {
        examples.forEach((text, index) => {
            writeFileSync(join(directory, `example_${index}.tsx`), text)
        })
        const paths = Object.entries(ENTRIES).map(([path, file]) => [
            `@pg-stream/client${path}`,
            [`${ROOT}src/${file}.ts`],
        ])
        const options = { isolatedDeclarations: false, declaration: false, paths: Object.fromEntries(paths) }
        const config = { extends: `${ROOT}tsconfig.json`, compilerOptions: options, include: [directory] }
        writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
        const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
        return spawnSync(process.execPath, [tsc, '-p', directory, '--pretty', 'false'], { encoding: 'utf8' }).stdout
    } finally {
        rmSync(directory, { recursive: true })
    }
}

it('every example of the documents of the client compiles', () => {
    const examples = ['client.md', 'client-video.md', 'client-components.md'].map(examplesIn)
    expect(examples.map(({ length }) => length > 0)).toEqual([true, true, true])
    expect(compile(examples.flat())).toBe('')
})

it('an example that does not compile is found', () => {
    const wrong =
        "import { createStreamClient } from '@pg-stream/client'\nexport const client = createStreamClient({ supabase: 1 })\n"
    expect(compile([wrong])).toContain('TS2322')
})

it('a client with the types of a database is taken as one without', () => {
    const typed = `import { createStreamClient } from '@pg-stream/client'
import { createClient } from '@supabase/supabase-js'
type Schema<Functions> = { Tables: Record<never, never>; Views: Record<never, never>; Functions: Functions }
type Database = {
    public: Schema<Record<never, never>>
    stream: Schema<{ join_stream: { Args: { session_id: string }; Returns: { joined: boolean } } }>
}
const supabase = createClient<Database>('url', 'key')
export const client = createStreamClient({ supabase })
export const joined = await supabase.schema('stream').rpc('join_stream', { session_id: 'a' })
`
    expect(compile([typed])).toBe('')
})
