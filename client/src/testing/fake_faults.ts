/** Faults of a fake engine, each mended by one rung of recovery and those above it. */

import type { RecoveryStep } from '../viewer/viewer_types.ts'

/** How a join ends. `silence`: it never settles, as Agora's does without a network. */
export type FakeJoinAnswer =
    | 'ok'
    | 'silence'
    | 'join_failed'
    | 'token_expired'
    | 'token_invalid'
    | 'banned'
    | 'taken_over'

export type FakePermission = 'granted' | 'denied' | 'blocked'

/** What goes wrong with the engines of one factory. */
export interface FakeFaults {
    /** Answers of the joins to come, one for each; `ok` after the last. */
    joins: FakeJoinAnswer[]
    /** How calls fail that are named here: `reject` at once, or `silence`. */
    calls: Map<string, 'reject' | 'silence'>
    permission: FakePermission
    /** Nothing is drawn until this rung of recovery was tried; null: pictures are drawn. */
    undrawn: RecoveryStep | null
    /** What is drawn is black until this rung of recovery was tried. */
    black: RecoveryStep | null
    /** The view has no size, or is not shown. */
    isHidden: boolean
}

export function noFaults(): FakeFaults {
    return { joins: [], calls: new Map(), permission: 'granted', undrawn: null, black: null, isHidden: false }
}

const RUNGS: readonly RecoveryStep[] = ['reattach_view', 'resubscribe', 'new_token', 'rejoin', 'new_engine']

/** A rung of recovery was done; it mends what it or a lower one is needed for. */
export function mend(faults: FakeFaults, done: RecoveryStep): void {
    for (const fault of ['undrawn', 'black'] as const) {
        const needed = faults[fault]
        if (needed !== null && RUNGS.indexOf(done) >= RUNGS.indexOf(needed)) faults[fault] = null
    }
}
