/** The screen that the address names: the lobby, an auction, or the summary of a stream. */

import { useSyncExternalStore } from 'react'

export type Route = { screen: 'lobby' } | { screen: 'auction'; id: string } | { screen: 'summary'; id: string }

export const linkTo = {
    lobby: '#/',
    auction: (id: string) => `#/auction/${id}`,
    summary: (id: string) => `#/summary/${id}`,
}

function routeOf(hash: string): Route {
    const [, screen, id] = hash.split('/')
    if ((screen === 'auction' || screen === 'summary') && id) return { screen, id }
    return { screen: 'lobby' }
}

function subscribe(listener: () => void): () => void {
    addEventListener('hashchange', listener)
    return () => removeEventListener('hashchange', listener)
}

export function useRoute(): Route {
    return routeOf(useSyncExternalStore(subscribe, () => location.hash))
}
