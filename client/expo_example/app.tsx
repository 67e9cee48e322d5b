/** The app: sign in, choose a stream or start one, watch or host it. */

import { StreamProvider } from '@pg-stream/client/react'
import { type ReactElement, useState } from 'react'
import { SafeAreaView, StatusBar, StyleSheet } from 'react-native'
import { Host } from './screens/host'
import { SignIn } from './screens/sign_in'
import { Streams } from './screens/streams'
import { Watch } from './screens/watch'
import { client } from './streaming'

type Place =
    | { at: 'sign in' }
    | { at: 'streams'; userId: string }
    | { at: 'watch'; userId: string; sessionId: string }
    | { at: 'host'; userId: string; sessionId: string; generation: number }

export function App(): ReactElement {
    const [place, setPlace] = useState<Place>({ at: 'sign in' })
    return (
        <StreamProvider client={client}>
            <StatusBar barStyle="light-content" />
            <SafeAreaView style={styles.page}>{pageOf(place, setPlace)}</SafeAreaView>
        </StreamProvider>
    )
}

function pageOf(place: Place, go: (place: Place) => void): ReactElement {
    if (place.at === 'sign in') return <SignIn onSignedIn={(userId) => go({ at: 'streams', userId })} />
    const { userId } = place
    const back = () => go({ at: 'streams', userId })
    switch (place.at) {
        case 'streams':
            return (
                <Streams
                    userId={userId}
                    onWatch={(sessionId) => go({ at: 'watch', userId, sessionId })}
                    onHost={(sessionId, generation) => go({ at: 'host', userId, sessionId, generation })}
                />
            )
        case 'watch':
            return <Watch userId={userId} sessionId={place.sessionId} onBack={back} />
        case 'host':
            return <Host userId={userId} sessionId={place.sessionId} generation={place.generation} onBack={back} />
    }
}

const styles = StyleSheet.create({ page: { flex: 1, backgroundColor: '#14161a' } })
