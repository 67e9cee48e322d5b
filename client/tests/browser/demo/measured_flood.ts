/** Rounds of a flood of messages, and what they do to the pages of those who watch: holes, shifts of the layout, long tasks. */

import type { Browser } from 'playwright-core'
import { forget, noted, tasksOverLimit } from './checks.ts'
import { type Flood, flood } from './flood.ts'
import type { Person } from './person.ts'

const ROUNDS = 4
const FLOOD_S = 5
const MESSAGES_PER_S = 30

const WHERE = 'thirty messages a second'

export interface Measured {
    messages: number
    /** Milliseconds: by the wall, as PerformanceObserver tells, and of processor time where that was above 50. */
    rounds: { longTasks: number[]; processorMs: number[] }[]
}

/** Finds a hole and a shift in any round, and long tasks in all of them: a machine that does other things makes any task long. */
export async function measureFlood(
    browser: Browser,
    watchers: Person[],
    stream: Flood,
    find: (where: string, what: string) => void
): Promise<Measured> {
    const measured: Measured = { messages: 0, rounds: [] }
    for (let round = 0; round < ROUNDS; round++) {
        for (const { page } of watchers) await forget(page)
        let [sent, headSeq] = [0, 0]
        const processorMs = await tasksOverLimit(browser, async () => {
            ;({ sent, headSeq } = await flood(stream, FLOOD_S))
        })
        measured.messages += sent
        if (sent < FLOOD_S * MESSAGES_PER_S) find(WHERE, `the stream took ${sent} in a round`)
        for (const person of watchers) {
            if (hasHole(await person.seqsUpTo(headSeq))) find(person.name, 'has a hole in the log')
        }
        const seen = await Promise.all(watchers.map(({ page }) => noted(page)))
        const longTasks = seen.flatMap((one) => one.longTasks)
        for (const { value, what } of seen.flatMap((one) => one.shifts))
            find(WHERE, `the layout shifts by ${value}: ${what}`)
        measured.rounds.push({ longTasks, processorMs })
        if (longTasks.length === 0 || processorMs.length === 0) return measured
    }
    find(WHERE, `tasks of more than 50 ms in every round: ${JSON.stringify(measured.rounds)}`)
    return measured
}

function hasHole(seqs: number[]): boolean {
    return seqs.some((seq, index) => index > 0 && seq !== (seqs[index - 1] ?? 0) + 1)
}
