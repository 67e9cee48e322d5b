/**
 * Whose turn it is at the one engine that the module react-native-agora has: `createAgoraRtcEngine` returns the same object
 * always, and `release` and `leaveChannel` of one would end what another does. The next waits until the one before has released it.
 */

import { abortable } from '../../clock/abortable.ts'
import type { AgoraReactNativeSdk } from './sdk.ts'

export interface Turn {
    /** Resolves once all turns before have ended. */
    readonly begun: Promise<void>
    /** Also of a turn that has not begun. */
    end(): void
}

const lastEnds = new WeakMap<AgoraReactNativeSdk, Promise<void>>()

export function takeTurn(agora: AgoraReactNativeSdk): Turn {
    const begun = lastEnds.get(agora) ?? Promise.resolve()
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
        end = resolve
    })
    lastEnds.set(
        agora,
        begun.then(() => ended)
    )
    return { begun, end }
}

/** Also resolves when the signal is aborted: whoever waits looks. */
export async function whenBegun({ begun }: Turn, signal?: AbortSignal): Promise<void> {
    await abortable<void>(signal, (resolve) => {
        void begun.then(resolve)
        return () => {}
    }).catch(() => {})
}
