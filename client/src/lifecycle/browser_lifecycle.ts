/** The lifecycle of a page: its visibility, the back/forward cache, and the browser's idea of the network. */

import { endAll, type Unsubscribe } from '../emitter/emitter.ts'
import { type LifecycleAdapter, type LifecycleEvent, ManualLifecycle } from './lifecycle_adapter.ts'

type Events = [target: EventTarget, name: string, event: () => LifecycleEvent][]

export function browserLifecycle(page: Document = document, view: Window = window): LifecycleAdapter {
    const visible = (): LifecycleEvent => (page.visibilityState === 'hidden' ? 'background' : 'active')
    const events: Events = [
        [page, 'visibilitychange', visible],
        [page, 'freeze', () => 'background'],
        [page, 'resume', visible],
        [view, 'pagehide', () => 'background'],
        [view, 'pageshow', visible],
        [view, 'online', () => 'online'],
        [view, 'offline', () => 'offline'],
    ]
    return {
        current: () => ({ isActive: visible() === 'active', isOnline: view.navigator.onLine !== false }),
        subscribe(listener): Unsubscribe {
            const added = events.map(([target, name, event]) => {
                const handler = () => listener(event())
                target.addEventListener(name, handler)
                return () => target.removeEventListener(name, handler)
            })
            return () => endAll(added)
        },
    }
}

/** The adapter of the platform at hand: a page's, or one that never changes where there is no page. */
export function defaultLifecycle(): LifecycleAdapter {
    const isPage = typeof document !== 'undefined' && typeof window?.addEventListener === 'function'
    return isPage ? browserLifecycle() : new ManualLifecycle()
}
