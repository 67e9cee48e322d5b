/**
 * Compiles examples against the types of a database and the client package, each as a module of its own.
 *
 * Argument: a file of {types, examples, client}, the last the folder of the package; answer: the lines of the compiler.
 */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { types, examples, client } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))

// Beside the packages that they import.
const parent = join(client, 'node_modules/.examples')
mkdirSync(parent, { recursive: true })
const directory = mkdtempSync(join(parent, 'guide-'))
try {
    writeFileSync(join(directory, 'database.types.ts'), types)
    examples.forEach((text, index) => {
        writeFileSync(join(directory, `example_${index}.tsx`), text)
    })
    const compilerOptions = {
        declaration: false,
        isolatedDeclarations: false,
        paths: { '@pg-stream/client': [join(client, 'dist/index.d.mts')] },
    }
    const config = { extends: join(client, 'tsconfig.json'), compilerOptions, include: [directory], exclude: [] }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(client, 'node_modules/typescript/bin/tsc')
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', directory, '--pretty', 'false'], {
        encoding: 'utf8',
    })
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
    process.stdout.write(JSON.stringify(lines))
} finally {
    rmSync(directory, { recursive: true })
}
