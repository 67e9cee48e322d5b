/** Checks of the built package: what npm pack holds, what it loads, its shape for every resolver, its API report, and its size. `--update` writes the last three anew. */

import { checkApi } from './package/api.mjs'
import { checkFiles } from './package/files.mjs'
import { checkImports } from './package/imports.mjs'
import { checkShape } from './package/shape.mjs'
import { checkSize } from './package/size.mjs'

const isUpdate = process.argv.includes('--update')
const problems = []
for (const check of [checkFiles, checkImports, checkShape, checkApi, checkSize]) {
    const found = await check({ isUpdate })
    problems.push(...found)
}
for (const problem of problems) console.error(problem)
if (problems.length === 0) console.log('the package is as it should be')
process.exitCode = problems.length === 0 ? 0 : 1
