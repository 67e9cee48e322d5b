/** The adapters of platforms, driven by the events that the platforms send. */
// @vitest-environment jsdom

import { describe, expect, it } from 'vitest'
import { browserLifecycle, type LifecycleEvent } from '../../src/index.ts'
import { type NetInfoStateLike, reactNativeLifecycle } from '../../src/react_native.ts'
import { bench } from '../fakes/bench.ts'

describe('in a browser', () => {
    function page() {
        let visibility = 'visible'
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => visibility })
        const adapter = browserLifecycle()
        const events: LifecycleEvent[] = []
        const end = adapter.subscribe((event) => events.push(event))
        const fire = (target: EventTarget, name: string) => target.dispatchEvent(new Event(name))
        const show = (state: string) => {
            visibility = state
            fire(document, 'visibilitychange')
        }
        return { adapter, events, end, fire, show }
    }

    it('visibility, the network and the back/forward cache are told', () => {
        const { events, fire, show, adapter } = page()
        show('hidden')
        expect(adapter.current().isActive).toBe(false)
        show('visible')
        fire(window, 'offline')
        fire(window, 'online')
        fire(window, 'pagehide')
        fire(window, 'pageshow')
        expect(events).toEqual(['background', 'active', 'offline', 'online', 'background', 'active'])
    })

    it('nothing is told after the end', () => {
        const { events, end, show } = page()
        end()
        show('hidden')
        expect(events).toEqual([])
    })
})

describe('on React Native', () => {
    function app(withNetInfo = true) {
        let onState: (state: string) => void = () => {}
        let onNetwork: (state: NetInfoStateLike) => void = () => {}
        const removed: string[] = []
        const adapter = reactNativeLifecycle({
            AppState: {
                currentState: 'active',
                addEventListener: (_, listener) => {
                    onState = listener
                    return { remove: () => removed.push('app') }
                },
            },
            ...(withNetInfo && {
                NetInfo: {
                    addEventListener: (listener: (state: NetInfoStateLike) => void) => {
                        onNetwork = listener
                        return () => removed.push('network')
                    },
                },
            }),
        })
        const events: LifecycleEvent[] = []
        const end = adapter.subscribe((event) => events.push(event))
        return {
            adapter,
            events,
            end,
            removed,
            state: (state: string) => onState(state),
            network: (state: NetInfoStateLike) => onNetwork(state),
        }
    }

    it('the app switcher is no sleep, the background is', () => {
        const { events, state } = app()
        for (const one of ['inactive', 'active', 'inactive', 'background', 'active']) state(one)
        expect(events).toEqual(['background', 'active'])
    })

    it('another network is a loss and a return, though there was one all the time', () => {
        const { events, network } = app()
        network({ type: 'wifi', isConnected: true })
        network({ type: 'wifi', isConnected: true, isInternetReachable: true })
        expect(events).toEqual([])
        network({ type: 'cellular', isConnected: true })
        network({ type: 'none', isConnected: false })
        network({ type: 'wifi', isConnected: true, isInternetReachable: null })
        expect(events).toEqual(['offline', 'online', 'offline', 'online'])
    })

    it('works without NetInfo, and lets go of both', () => {
        expect(app(false).adapter.current()).toEqual({ isActive: true, isOnline: true })
        const { end, removed } = app()
        end()
        expect(removed).toEqual(['app', 'network'])
    })

    it('the renewal of tokens rests in the background', async () => {
        let onState: (state: string) => void = () => {}
        const lifecycle = reactNativeLifecycle({
            AppState: {
                currentState: 'active',
                addEventListener: (_, listener) => {
                    onState = listener
                    return { remove: () => {} }
                },
            },
        })
        const { supabase, dispose } = bench({ lifecycle })
        onState('background')
        onState('active')
        expect(supabase.realtime.log).toEqual(['stopAutoRefresh', 'startAutoRefresh'])
        await dispose()
        onState('background')
        expect(supabase.realtime.count('stopAutoRefresh')).toBe(1)
    })
})
