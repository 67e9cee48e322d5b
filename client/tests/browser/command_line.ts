/** The arguments of the scripts in this folder; the certificate comes in the environment, where no list of processes shows it. */

import { parseArgs } from 'node:util'
import { play, type Scene } from './scenes.ts'
import type { StageOptions } from './stage.ts'

export interface CommandLine extends StageOptions {
    only?: string
}

export function readCommandLine(): CommandLine {
    const { values } = parseArgs({
        options: {
            'supabase-url': { type: 'string', default: 'http://127.0.0.1:1' },
            'anon-key': { type: 'string', default: '' },
            'app-id': { type: 'string', default: '0'.repeat(32) },
            only: { type: 'string' },
        },
    })
    return {
        supabaseUrl: values['supabase-url'],
        anonKey: values['anon-key'],
        agora: { appId: values['app-id'], certificate: process.env.AGORA_CERTIFICATE ?? '0'.repeat(32) },
        ...(values.only === undefined ? {} : { only: values.only }),
    }
}

/** Plays them, prints the report as the last line, and ends the process. */
export async function playAndExit(scenes: Record<string, Scene>): Promise<never> {
    const { only, ...options } = readCommandLine()
    const report = await play(scenes, options, only)
    process.stdout.write(`${JSON.stringify(report)}\n`)
    process.exit(report.findings.length === 0 ? 0 : 1)
}
