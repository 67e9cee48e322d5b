/** The app: who is signed in, and which screen is shown. */

import { StreamProvider } from '@pg-stream/client/react'
import { type ReactElement, useEffect, useState } from 'react'
import type { Backend, User } from './backend/backend.ts'
import { BackendContext, UserContext } from './backend/context.ts'
import { AuctionScreen } from './screens/auction.tsx'
import { Lobby } from './screens/lobby.tsx'
import { SignIn } from './screens/sign_in.tsx'
import { SummaryScreen } from './screens/summary.tsx'
import { SleepOverlay } from './trouble/sleep_overlay.tsx'
import { useRoute } from './ui/route.ts'
import { StatePanel } from './ui/state_panel.tsx'
import { Toasts } from './ui/toast.tsx'

export function App({ backend }: { backend: Backend }): ReactElement {
    const user = useSignedIn(backend)
    return (
        <BackendContext value={backend}>
            <StreamProvider client={backend.client}>
                {user === undefined && <Opening />}
                {user === null && <SignIn />}
                {user && (
                    <UserContext value={user}>
                        <Screen />
                    </UserContext>
                )}
                <SleepOverlay troubles={backend.troubles} />
                <Toasts />
            </StreamProvider>
        </BackendContext>
    )
}

function Opening(): ReactElement {
    return (
        <main className="centred">
            <h1 className="visually-hidden">Saleroom</h1>
            <StatePanel title="Opening the saleroom" isBusy />
        </main>
    )
}

function Screen(): ReactElement {
    const route = useRoute()
    if (route.screen === 'auction') return <AuctionScreen key={route.id} auctionId={route.id} />
    if (route.screen === 'summary') return <SummaryScreen key={route.id} sessionId={route.id} />
    return <Lobby />
}

/** Undefined until it is known. */
function useSignedIn({ supabase }: Backend): User | null | undefined {
    const [user, setUser] = useState<User | null | undefined>(undefined)
    useEffect(() => {
        const { data } = supabase.auth.onAuthStateChange((_, session) => {
            const next = session && { id: session.user.id, email: session.user.email ?? '' }
            setUser((before) => (before && next && before.id === next.id ? before : next))
        })
        return () => data.subscription.unsubscribe()
    }, [supabase])
    return user
}
