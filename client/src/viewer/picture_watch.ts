/** Everything that notices a picture that does not come, stands still, is black or is not shown. */

import type { Clock } from '../clock/clock.ts'
import { expectedFrame, hostOf, isOwnTrouble, type ViewerFacts } from './facts.ts'
import type { VideoEngine } from './video_engine.ts'
import { ViewWatch } from './view_watch.ts'
import type { RecoveryCause, RecoveryStep } from './viewer_types.ts'
import { Watchdog } from './watchdog.ts'

export interface PictureWatchOptions {
    clock: Clock
    engine: () => VideoEngine | null
    facts: () => ViewerFacts
    set: (change: Partial<ViewerFacts>) => void
    trouble: (cause: RecoveryCause) => void
    /** What is tried against a black picture; null: nothing. */
    blackStep: () => RecoveryStep | null
    /** Black though it was received anew: so it is sent. */
    onBlackSource: () => void
}

/** From a subscription to its first picture. */
export const FIRST_FRAME_MS = 5_000
/** From one picture to the next. */
export const NEXT_FRAME_MS = 2_000
/** What an SDK may take to repair its connection, while the device has a network. */
export const INTERRUPTED_MS = 60_000

/** How long a picture that stays black is taken for a camera that is off; doubled each time, since a fault may hide behind it. */
const BELIEVED_MS = 30_000
const LONGEST_BELIEVED_MS = 300_000

const LIMITS = { first: FIRST_FRAME_MS, next: NEXT_FRAME_MS, none: null } as const

export class PictureWatch {
    readonly #options: PictureWatchOptions
    readonly #frames: Watchdog
    readonly #interruption: Watchdog
    readonly #view: ViewWatch
    /** Until when black is not looked into, and for how long the next time. */
    #believedUntil = Number.NEGATIVE_INFINITY
    #believedMs = BELIEVED_MS
    #expected: 'first' | 'next' | 'none' = 'none'
    #frameAt = Number.NEGATIVE_INFINITY

    constructor(options: PictureWatchOptions) {
        const { clock, set } = options
        this.#options = options
        this.#frames = new Watchdog(clock, () => this.#missed())
        this.#interruption = new Watchdog(clock, () => options.trouble('connection_failed'))
        this.#view = new ViewWatch({
            clock,
            isVisible: () => this.#ask((engine, uid) => engine.isViewVisible(uid)),
            brightness: () => this.#ask((engine, uid) => engine.brightness(uid)),
            onVisible: (isViewVisible) => set({ isViewVisible }),
            onBlack: () => this.#black(),
            onBright: () => this.#bright(),
        })
    }

    /** Expects what the facts say is owed. */
    update(facts: ViewerFacts): void {
        this.#expect(facts)
        const isInterrupted = facts.channel === 'interrupted' && facts.isOnline && facts.end === null
        this.#interruption.expect(isInterrupted ? INTERRUPTED_MS : null)
        const isShowing = facts.role === 'seller' ? facts.isPreviewing : facts.subscribed !== null
        this.#view.run(isShowing && facts.hasView && facts.isAwake && facts.end === null)
    }

    frame(): void {
        this.#frameAt = this.#options.clock.now()
        this.#frames.seen()
        if (this.#options.facts().picture !== 'moving') this.#options.set({ picture: 'moving' })
    }

    /** Gives a picture that is missed the whole time anew, after a step of recovery. */
    restart(): void {
        if (this.#options.facts().picture !== 'moving') this.#frames.restart()
    }

    stop(): void {
        this.#frames.stop()
        this.#interruption.stop()
        this.#view.stop()
        this.#doubt()
    }

    #expect(facts: ViewerFacts): void {
        const { clock, set } = this.#options
        const expected = expectedFrame(facts)
        const isResumed = expected === 'next' && this.#expected === 'none' && facts.capabilities?.eachFrame === true
        this.#expected = expected
        if (!isResumed) return this.#frames.expect(LIMITS[expected])
        // Nobody looked for a while: an old picture is none.
        if (clock.now() - this.#frameAt < NEXT_FRAME_MS) this.#frames.expect(NEXT_FRAME_MS, this.#frameAt)
        else set({ picture: 'none' })
    }

    #missed(): void {
        const { facts, set, trouble } = this.#options
        const isFirst = expectedFrame(facts()) === 'first'
        if (!isFirst) set({ picture: 'frozen' })
        if (isOwnTrouble(facts())) trouble(isFirst ? 'no_first_frame' : 'frozen')
    }

    #ask<T>(question: (engine: VideoEngine, uid: number) => T): T | null {
        const { engine, facts } = this.#options
        const { role, subscribed } = facts()
        const uid = role === 'seller' ? 0 : subscribed
        const asked = engine()
        try {
            return asked === null || uid === null ? null : question(asked, uid)
        } catch {
            // As where it cannot tell: a canvas may be closed to the page.
            return null
        }
    }

    /** A camera that is off in a browser sends black; so does a broken decoder, which a new subscription mends. */
    #black(): void {
        const { clock, facts, set, trouble, blackStep, onBlackSource } = this.#options
        if (facts().role === 'seller' || facts().picture !== 'moving') return
        set({ isBlack: true })
        const now = clock.now()
        if (now < this.#believedUntil || hostOf(facts())?.hasCamera !== true || !isOwnTrouble(facts())) return
        if (blackStep() === 'resubscribe') {
            this.#believedUntil = now + this.#believedMs
            this.#believedMs = Math.min(this.#believedMs * 2, LONGEST_BELIEVED_MS)
            onBlackSource()
        } else {
            trouble('black')
        }
    }

    #bright(): void {
        this.#doubt()
        this.#options.set({ isBlack: false })
    }

    #doubt(): void {
        this.#believedUntil = Number.NEGATIVE_INFINITY
        this.#believedMs = BELIEVED_MS
    }
}
