/** A buyer's page: the video and the chat. */

import { useChat } from '@pg-stream/client/react'
import { StreamViewer } from '@pg-stream/client/react-native'
import { type ReactElement, useState } from 'react'
import { FlatList } from 'react-native'
import { agora, engine } from '../streaming'
import { Action, Line } from './parts'

interface WatchProps {
    userId: string
    sessionId: string
    onBack: () => void
}

export function Watch({ userId, sessionId, onBack }: WatchProps): ReactElement {
    const [problem, setProblem] = useState('')
    const { messages, send } = useChat({ sessionId, userId })
    return (
        <>
            <StreamViewer
                sessionId={sessionId}
                userId={userId}
                userRole="buyer"
                engine={engine}
                views={agora}
                onError={({ code }) => setProblem(code)}
            />
            <Line>{problem}</Line>
            <FlatList
                data={messages}
                keyExtractor={({ id }) => id}
                renderItem={({ item }) => <Line>{`${item.username}: ${item.content}`}</Line>}
            />
            <Action label="Say hello" onPress={() => void send('Hello')} />
            <Action label="Back" onPress={onBack} />
        </>
    )
}
