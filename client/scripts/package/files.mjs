/** The list of files that npm pack puts into the package. */

import { npmScript } from './npm.mjs'
import { compare, node } from './run.mjs'

/** Names that carry a hash of their content change with every line of code. */
const HASH = /-[\w-]{8}(\.d)?\.([cm])(ts|js)$/

/** @param {{isUpdate: boolean}} options @returns {Promise<string[]>} */
export async function checkFiles({ isUpdate }) {
    const { status, stdout, stderr } = node(npmScript(), 'pack', '--dry-run', '--json', '--ignore-scripts')
    if (status !== 0) return [`npm pack failed: ${stderr}`]
    const [pack] = JSON.parse(stdout)
    const paths = pack.files.map(({ path }) => path.replace(HASH, '-HASH$1.$2$3'))
    const list = [...new Set(paths)].sort().join('\n')
    return compare('report/files.txt', `${list}\n`, isUpdate)
}
