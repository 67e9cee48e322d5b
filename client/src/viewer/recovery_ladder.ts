/** The rungs that are climbed one by one until a picture moves again, in rounds, with a pause between them and an end. */

import type { Cancel, Clock } from '../clock/clock.ts'
import type { Random } from '../random/random.ts'
import type { RecoveryCause, RecoveryEvent, RecoveryStep } from './viewer_types.ts'

const RUNGS: readonly RecoveryStep[] = ['reattach_view', 'resubscribe', 'new_token', 'rejoin', 'new_engine']

const FIRST: Readonly<Record<RecoveryCause, RecoveryStep>> = {
    no_first_frame: 'reattach_view',
    frozen: 'reattach_view',
    black: 'reattach_view',
    token_refused: 'new_token',
    join_timeout: 'rejoin',
    join_failed: 'rejoin',
    connection_failed: 'rejoin',
    engine_error: 'new_engine',
}

export const MOST_ROUNDS = 4

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 15_000

/** A host that stops hits all viewers at once, who must not ask for tokens at the same moment. */
export const SPREAD_MS = 3_000
const SHARED: readonly RecoveryCause[] = ['no_first_frame', 'frozen']

/** Trouble that comes back sooner than this was never over. */
export const RELAPSE_MS = 10_000

export function firstRung(cause: RecoveryCause): RecoveryStep {
    return FIRST[cause]
}

/** Whether the channel itself is in trouble, whatever the picture looks like at the moment. */
export function isOfChannel(cause: RecoveryCause): boolean {
    return FIRST[cause] === 'new_token' || FIRST[cause] === 'rejoin'
}

/** The rung after `step`, at least the first one that helps against `cause`; null: the round is over. */
export function rungAfter(step: RecoveryStep, cause: RecoveryCause): RecoveryStep | null {
    return RUNGS[Math.max(RUNGS.indexOf(step) + 1, RUNGS.indexOf(FIRST[cause]))] ?? null
}

export function isHigher(step: RecoveryStep, than: RecoveryStep): boolean {
    return RUNGS.indexOf(step) > RUNGS.indexOf(than)
}

/** Milliseconds before round `round`, from 1; half of it is drawn by lot. */
export function pauseMs(round: number, random: number): number {
    return Math.min(FIRST_PAUSE_MS * 2 ** (round - 1), LONGEST_PAUSE_MS) * (0.5 + random / 2)
}

export interface RecoveryLadderOptions {
    clock: Clock
    random: Random
    onStep: (event: RecoveryEvent) => void
    /** Step or pause are others than before. */
    onChange: () => void
    /** The last round has failed. */
    onExhausted: (cause: RecoveryCause) => void
}

interface Climb {
    cause: RecoveryCause
    step: RecoveryStep
    isDone: boolean
    round: number
    attempt: number
}

export class RecoveryLadder {
    readonly #options: RecoveryLadderOptions
    #climb: Climb | null = null
    /** What is climbed after it. */
    #pause: { cancel: Cancel; next: Climb } | null = null
    /** What was climbed last, and when it ended; `isMended` says whether by a picture. */
    #last: { climb: Climb; endedAt: number; isMended: boolean } | null = null
    #relapses = 0

    constructor(options: RecoveryLadderOptions) {
        this.#options = options
    }

    get step(): RecoveryStep | null {
        return this.#climb?.step ?? null
    }

    get cause(): RecoveryCause | null {
        return this.#climb?.cause ?? null
    }

    /** How many steps this trouble has taken, from 1; 0 while nothing is wrong. */
    get attempt(): number {
        return this.#climb?.attempt ?? 0
    }

    /** Whether the step was carried out, and is to show whether it helped. */
    get isDone(): boolean {
        return this.#climb?.isDone ?? false
    }

    get isResting(): boolean {
        return this.#pause !== null
    }

    /** Begins, or takes the next rung where one is being tried. In a pause it decides what comes after it. */
    trouble(cause: RecoveryCause): void {
        const climb = this.#climb
        const first = firstRung(cause)
        if (this.#pause) {
            const { next } = this.#pause
            if (isHigher(first, next.step)) this.#pause.next = { ...next, cause, step: first }
            return
        }
        if (climb === null) return this.#begin(cause)
        if (climb.isDone) return this.#next(climb, cause)
        if (isHigher(first, climb.step)) this.#take({ ...climb, cause, step: first, attempt: climb.attempt + 1 })
    }

    /** Step number `attempt` was carried out. `goesOn`: it cannot help alone. */
    performed(attempt: number, goesOn: boolean): void {
        const climb = this.#climb
        // A higher rung may have taken its place meanwhile.
        if (climb === null || this.#pause || climb.attempt !== attempt) return
        climb.isDone = true
        if (goesOn) this.#next(climb, climb.cause)
        else this.#options.onChange()
    }

    /** A picture moves. */
    mended(): void {
        this.#end(true)
    }

    /** No picture is owed: trouble that comes soon is the same trouble. */
    rest(): void {
        this.#end(false)
    }

    /** Ends a pause now, as when the network comes back. */
    hurry(): void {
        if (this.#pause !== null) this.#resume(this.#pause)
    }

    /** Forgets everything. */
    stop(): void {
        this.#pause?.cancel()
        this.#pause = null
        this.#climb = null
        this.#last = null
        this.#relapses = 0
    }

    #begin(cause: RecoveryCause): void {
        const last = this.#last
        const isRelapse = last !== null && this.#options.clock.now() - last.endedAt < RELAPSE_MS
        if (isRelapse && !last.isMended) return this.#next(last.climb, cause)
        const climb: Climb = { cause, step: firstRung(cause), isDone: false, round: 0, attempt: 1 }
        this.#relapses = isRelapse ? this.#relapses + 1 : 0
        // A picture that moves and stops in turn is the network's, which no rung mends: less and less is tried.
        if (this.#relapses > 0) this.#rest(climb, pauseMs(this.#relapses, this.#options.random.next()))
        else this.#take(climb)
    }

    #next(climb: Climb, cause: RecoveryCause): void {
        const step = rungAfter(climb.step, cause)
        const attempt = climb.attempt + 1
        if (step !== null) {
            const next: Climb = { ...climb, cause, step, isDone: false, attempt }
            if (step !== 'new_token' || !SHARED.includes(cause)) return this.#take(next)
            return this.#rest(next, this.#options.random.next() * SPREAD_MS)
        }
        const round = climb.round + 1
        if (round >= MOST_ROUNDS) {
            this.stop()
            return this.#options.onExhausted(cause)
        }
        const again: Climb = { cause, step: firstRung(cause), isDone: false, round, attempt }
        this.#rest(again, pauseMs(round, this.#options.random.next()))
    }

    #rest(climb: Climb, ms: number): void {
        this.#climb = { ...climb, isDone: true }
        const pause = { cancel: this.#options.clock.after(ms, () => this.#resume(pause)), next: climb }
        this.#pause = pause
        this.#options.onChange()
    }

    #resume({ cancel, next }: { cancel: Cancel; next: Climb }): void {
        cancel()
        this.#pause = null
        this.#take(next)
    }

    #take(climb: Climb): void {
        this.#climb = { ...climb, isDone: false }
        const { step, cause, attempt } = climb
        this.#options.onStep({ step, cause, attempt })
        this.#options.onChange()
    }

    #end(isMended: boolean): void {
        if (this.#climb === null) return
        this.#pause?.cancel()
        this.#pause = null
        this.#last = { climb: this.#climb, endedAt: this.#options.clock.now(), isMended }
        this.#climb = null
        this.#options.onChange()
    }
}
