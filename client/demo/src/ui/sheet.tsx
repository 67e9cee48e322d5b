/** A modal sheet: from the bottom on a phone, in the middle elsewhere. Escape and the backdrop close it. */

import { type ReactElement, type ReactNode, useEffect, useId, useRef } from 'react'
import { Icon } from './icon.tsx'

interface SheetProps {
    title: string
    onClose(): void
    children: ReactNode
}

export function Sheet({ title, onClose, children }: SheetProps): ReactElement {
    const ref = useRef<HTMLDialogElement>(null)
    const heading = useId()
    useEffect(() => {
        const dialog = ref.current
        if (dialog !== null && !dialog.open) dialog.showModal()
        return () => dialog?.close()
    }, [])
    return (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard closes a dialog with Escape
        <dialog
            ref={ref}
            className="sheet"
            aria-labelledby={heading}
            onCancel={(event) => {
                event.preventDefault()
                onClose()
            }}
            onClick={(event) => {
                if (event.target === ref.current) onClose()
            }}
        >
            <div className="sheet-body">
                <header className="sheet-head">
                    <h2 id={heading}>{title}</h2>
                    <button type="button" className="icon-button" onClick={onClose} aria-label="Close">
                        <Icon name="close" />
                    </button>
                </header>
                {children}
            </div>
        </dialog>
    )
}
