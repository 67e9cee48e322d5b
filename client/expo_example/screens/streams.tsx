/** The streams that are on, and for a seller the start of one. */

import type { StreamError } from '@pg-stream/client'
import { sentenceOf } from '@pg-stream/client/messages'
import { useLiveStreams } from '@pg-stream/client/react'
import { type ReactElement, useState } from 'react'
import { FlatList } from 'react-native'
import { client } from '../streaming'
import { Action, Line } from './parts'

/** The auction of the demo data. */
const AUCTION = '00000000-0000-4000-8000-0000000000a1'

interface StreamsProps {
    userId: string
    onWatch: (sessionId: string) => void
    onHost: (sessionId: string, generation: number) => void
}

export function Streams({ userId, onWatch, onHost }: StreamsProps): ReactElement {
    const { streams, status } = useLiveStreams()
    const [problem, setProblem] = useState('')
    const start = () =>
        client.stream.startStream(userId, AUCTION).then(
            ({ id, generation }) => onHost(id, generation),
            (error: StreamError) => setProblem(sentenceOf(error))
        )
    return (
        <>
            <Action label="Sell the demo auction" onPress={() => void start()} />
            <Line>{problem || `${streams.length} streams (${status})`}</Line>
            <FlatList
                data={streams}
                keyExtractor={({ sessionId }) => sessionId}
                renderItem={({ item }) => (
                    <Action label={`Watch ${item.sessionId.slice(-4)}`} onPress={() => onWatch(item.sessionId)} />
                )}
            />
        </>
    )
}
