/** The lifecycle of a React Native app: `AppState`, and NetInfo where the app has it. */

import type { Unsubscribe } from '../emitter/emitter.ts'
import type { LifecycleAdapter, LifecycleEvent } from './lifecycle_adapter.ts'

/** `AppState` of react-native. */
export interface AppStateLike {
    /** Not known before the first word of the system. */
    readonly currentState: string | null | undefined
    addEventListener(type: 'change', listener: (state: string) => void): { remove(): void }
}

/** What NetInfo tells of the network. */
export interface NetInfoStateLike {
    type: string
    isConnected: boolean | null
    isInternetReachable?: boolean | null | undefined
}

/** The default export of @react-native-community/netinfo. */
export interface NetInfoLike {
    addEventListener(listener: (state: NetInfoStateLike) => void): () => void
}

export function reactNativeLifecycle(modules: { AppState: AppStateLike; NetInfo?: NetInfoLike }): LifecycleAdapter {
    const { AppState, NetInfo } = modules
    let isOnline = true
    return {
        pausesAutoRefresh: true,
        current: () => ({ isActive: AppState.currentState !== 'background', isOnline }),
        subscribe(listener): Unsubscribe {
            // `inactive` is iOS's app switcher or a call: the sockets live on.
            const states: Record<string, LifecycleEvent> = { active: 'active', background: 'background' }
            let last = AppState.currentState ?? null
            const appState = AppState.addEventListener('change', (state) => {
                const event = states[state]
                if (event && state !== last) listener(event)
                if (event) last = state
            })
            let network: string | null = null
            const netInfo = NetInfo?.addEventListener((state) => {
                const isConnected = state.isConnected !== false && state.isInternetReachable !== false
                const isOther = network !== null && network !== state.type
                network = state.type
                // Another network ends every socket, though there was one all the time.
                if (isOnline && (!isConnected || isOther)) {
                    isOnline = false
                    listener('offline')
                }
                if (!isOnline && isConnected) {
                    isOnline = true
                    listener('online')
                }
            })
            return () => {
                appState.remove()
                netInfo?.()
            }
        },
    }
}
