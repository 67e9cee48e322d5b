/** What a screen shows while it has nothing else: loading, empty, or an error with a way on. */

import type { ReactElement, ReactNode } from 'react'

interface StatePanelProps {
    title: string
    text?: string
    isBusy?: boolean
    children?: ReactNode
}

export function StatePanel({ title, text, isBusy = false, children }: StatePanelProps): ReactElement {
    return (
        <div className="state-panel" aria-busy={isBusy}>
            {isBusy && <span className="spinner" aria-hidden="true" />}
            <p className="state-title">{title}</p>
            {text !== undefined && <p className="state-text">{text}</p>}
            {children}
        </div>
    )
}
