/** The shape of the package, as publint and arethetypeswrong judge it. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packTo } from './pack.mjs'
import { node, ROOT } from './run.mjs'

/** @returns {Promise<string[]>} */
export async function checkShape() {
    const { messages, pkg } = await publint({ pkgDir: ROOT, level: 'suggestion', strict: true, pack: false })
    const problems = messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`)
    const directory = mkdtempSync(join(tmpdir(), 'pg-stream-client-'))
    try {
        packTo(directory)
        const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))
        // `node10` knows no subpaths, and neither Metro nor any bundler of today resolves as it does.
        const attw = node(
            'node_modules/@arethetypeswrong/cli/dist/index.js',
            join(directory, tarball ?? ''),
            '--profile',
            'node16',
            '--no-color',
            '--no-emoji'
        )
        if (attw.status !== 0) problems.push(`arethetypeswrong: ${attw.stdout}${attw.stderr}`)
    } finally {
        rmSync(directory, { recursive: true })
    }
    return problems
}
