/** What must hold of every screen: no violation of axe, contrast, no sideways scrolling; and while messages arrive, no shift and no long task. */

import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import type { Person } from './person.ts'

const AXE = readFileSync(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const WIDTHS = [360, 1280]
const THEMES = ['dark', 'light'] as const

export interface Finding {
    where: string
    what: string
}

/** A screen at both widths and in both themes; the page is left as it was. */
export async function checkScreen(person: Person, where: string): Promise<Finding[]> {
    const { page } = person
    const before = page.viewportSize()
    const findings: Finding[] = []
    for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: width === 360 ? 740 : 800 })
        for (const theme of THEMES) {
            await page.emulateMedia({ colorScheme: theme })
            const place = `${where}, ${width} px, ${theme}`
            for (const what of await violations(page)) findings.push({ where: place, what })
            const scrollWidth = await page.evaluate(() => document.documentElement.scrollWidth)
            if (scrollWidth > width) findings.push({ where: place, what: `is ${scrollWidth} px wide` })
            for (const what of await sticksOut(page)) findings.push({ where: place, what: `sticks out: ${what}` })
        }
    }
    if (before !== null) await page.setViewportSize(before)
    await page.emulateMedia({ colorScheme: 'dark' })
    return findings
}

/** What is shown beyond the edge of the page: where it is cut off, nothing scrolls. */
function sticksOut(page: Page): Promise<string[]> {
    return page.evaluate(() => {
        const isWide = (element: Element) => {
            const { left, right, width, height } = element.getBoundingClientRect()
            return width > 1 && height > 1 && (right > innerWidth + 1 || left < -1)
        }
        const shown = [...document.querySelectorAll('body *')].filter((element) => element.closest('.floats') === null)
        return shown.filter(isWide).map(({ tagName, className }) => `${tagName} ${className}`)
    })
}

interface AxeResult {
    violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[]
}

/** All rules of axe, contrast of 4.5 among them. */
async function violations(page: Page): Promise<string[]> {
    // Colours change over a moment.
    await page.evaluate(() =>
        Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})))
    )
    await page.evaluate(AXE)
    const result = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } }
        const rules = { region: { enabled: true } }
        return axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules })
    })
    return result.violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`)
    )
}

interface Noted {
    longTasks: number[]
    shifts: { value: number; what: string }[]
}

/** Begins to watch: what was noted before is dropped. */
export async function forget(page: Page): Promise<void> {
    await page.evaluate(() => {
        const { noted } = globalThis as unknown as { noted: Noted }
        noted.longTasks.length = 0
        noted.shifts.length = 0
    })
}

export async function noted(page: Page): Promise<Noted> {
    // The observers are told of a task and a shift after they happened.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))))
    return page.evaluate(() => (globalThis as unknown as { noted: Noted }).noted)
}

interface TraceEvent {
    name: string
    dur?: number
    tdur?: number
    pid: number
    tid: number
    args?: { name?: string }
}

const TASKS = ['RunTask', 'ThreadControllerImpl::RunTask']
const LONG_MS = 50

/**
 * The tasks of pages that ran for more than 50 ms of processor time while `run` was under way. The observer in a page measures by
 * the wall: where other programs have the processor, it finds long tasks in a page that does nothing.
 */
export async function tasksOverLimit(browser: Browser, run: () => Promise<void>): Promise<number[]> {
    await browser.startTracing(undefined, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
    await run()
    const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
    const of = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`
    const names = trace.traceEvents.filter(({ name }) => name === 'thread_name')
    const mains = new Set(names.filter(({ args }) => args?.name === 'CrRendererMain').map(of))
    const tasks = trace.traceEvents.filter((event) => TASKS.includes(event.name) && mains.has(of(event)))
    if (tasks.length === 0) throw new Error('the trace names no task of a page')
    if (tasks.every(({ tdur }) => tdur === undefined)) throw new Error('the trace has no processor time of a task')
    return tasks.flatMap(({ tdur = 0 }) => (tdur > LONG_MS * 1000 ? [Math.round(tdur / 1000)] : []))
}
