/** Plays scenes one after the other, and prints what they found and measured as one JSON object. */

import { Stage, type StageOptions } from './stage.ts'

/** Resolves with measurements to be printed, or with nothing. */
export type Scene = (stage: Stage) => Promise<Record<string, unknown> | void>

export interface Report {
    passed: string[]
    findings: string[]
    measured: Record<string, unknown>
}

/** `only`: a part of the names of the scenes to be played. */
export async function play(scenes: Record<string, Scene>, options: StageOptions, only?: string): Promise<Report> {
    const report: Report = { passed: [], findings: [], measured: {} }
    const stage = await Stage.open(options)
    try {
        for (const [name, scene] of Object.entries(scenes)) {
            if (only === undefined || name.includes(only)) await playOne(stage, name, scene, report)
        }
    } finally {
        await stage.close()
    }
    return report
}

async function playOne(stage: Stage, name: string, scene: Scene, report: Report): Promise<void> {
    const findings: string[] = []
    try {
        const measured = await scene(stage)
        if (measured) report.measured[name] = measured
    } catch (error) {
        findings.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    findings.push(...(await stage.endScene()))
    process.stderr.write(`${findings.length === 0 ? 'ok' : 'FAILED'}: ${name}\n`)
    if (findings.length === 0) report.passed.push(name)
    report.findings.push(...findings.map((finding) => `${name}: ${finding}`))
}
