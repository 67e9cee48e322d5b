/** A list that is read when it is shown, and again after each change. */

import { useCallback, useEffect, useState } from 'react'
import { sentence } from '../ui/attempt.ts'

export function useList<Item>(read: () => Promise<Item[]>): {
    items: readonly Item[]
    error: string
    reload(): Promise<void>
} {
    const [items, setItems] = useState<readonly Item[]>([])
    const [error, setError] = useState('')
    const reload = useCallback(async () => {
        try {
            setItems(await read())
            setError('')
        } catch (thrown) {
            setError(sentence(thrown))
        }
    }, [read])
    useEffect(() => void reload(), [reload])
    return { items, error, reload }
}
