/** Short notices at the top of the screen, over everything else and read out. */

import { type ReactElement, useEffect } from 'react'
import { Store, useStore } from './store.ts'

interface Notice {
    id: number
    text: string
    isError: boolean
}

const SHOWN_MS = 5_000
const notices = new Store<readonly Notice[]>([])
let last = 0

export function notify(text: string, isError = false): void {
    const notice = { id: ++last, text, isError }
    notices.set([...notices.value.slice(-2), notice])
}

export function Toasts(): ReactElement {
    const shown = useStore(notices)
    return (
        <div className="toasts" role="status" aria-live="polite">
            {shown.map((notice) => (
                <Toast key={notice.id} notice={notice} />
            ))}
        </div>
    )
}

function Toast({ notice }: { notice: Notice }): ReactElement {
    useEffect(() => {
        const timer = setTimeout(() => notices.set(notices.value.filter(({ id }) => id !== notice.id)), SHOWN_MS)
        return () => clearTimeout(timer)
    }, [notice.id])
    return <p className={notice.isError ? 'toast toast-error' : 'toast'}>{notice.text}</p>
}
