/** The report of the public API of each entry point, which reviews see change. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { entryPoints } from './entries.mjs'
import { compare, ROOT } from './run.mjs'

/** @param {{isUpdate: boolean}} options @returns {Promise<string[]>} */
export async function checkApi({ isUpdate }) {
    const directory = mkdtempSync(join(tmpdir(), 'pg-stream-api-'))
    try {
        return entryPoints().flatMap((entry) => compare(`report/${entry}.api.md`, report(entry, directory), isUpdate))
    } finally {
        rmSync(directory, { recursive: true })
    }
}

/** @param {string} entry @param {string} directory @returns {string} */
function report(entry, directory) {
    const config = ExtractorConfig.prepare({
        configObjectFullPath: undefined,
        packageJsonFullPath: `${ROOT}package.json`,
        configObject: {
            projectFolder: ROOT,
            mainEntryPointFilePath: `${ROOT}dist/${entry}.d.mts`,
            compiler: { tsconfigFilePath: `${ROOT}scripts/package/tsconfig.api.json` },
            apiReport: {
                enabled: true,
                reportFileName: `${entry}.api.md`,
                reportFolder: directory,
                reportTempFolder: join(directory, 'temp'),
            },
            docModel: { enabled: false },
            dtsRollup: { enabled: false },
            messages: {
                compilerMessageReporting: { default: { logLevel: 'none' } },
                extractorMessageReporting: { default: { logLevel: 'none' } },
                tsdocMessageReporting: { default: { logLevel: 'none' } },
            },
        },
    })
    Extractor.invoke(config, {
        localBuild: true,
        showVerboseMessages: false,
        messageCallback: (message) => (message.handled = true),
    })
    return readFileSync(join(directory, `${entry}.api.md`), 'utf8')
}
