/** The sheet for a bid of any amount. */

import { type FormEvent, type ReactElement, useId, useState } from 'react'
import { centsOf, money } from '../ui/money.ts'
import { Sheet } from '../ui/sheet.tsx'

interface OtherBidProps {
    least: number
    onBid(cents: number): Promise<boolean>
    onClose(): void
}

export function OtherBid({ least, onBid, onClose }: OtherBidProps): ReactElement {
    const [text, setText] = useState(String(Math.ceil(least / 100)))
    const [error, setError] = useState('')
    const field = useId()
    const submit = async (event: FormEvent) => {
        event.preventDefault()
        const cents = centsOf(text)
        if (cents === null) return setError('Write an amount in euros, such as 1,250.')
        if (cents < least) return setError(`The least bid is ${money(least)}.`)
        if (await onBid(cents)) onClose()
    }
    return (
        <Sheet title="Your bid" onClose={onClose}>
            <form className="form" onSubmit={(event) => void submit(event)}>
                <label htmlFor={field}>Amount in euros, {money(least)} or more</label>
                <input
                    id={field}
                    className="input numbers"
                    inputMode="decimal"
                    autoComplete="off"
                    value={text}
                    onChange={(event) => setText(event.target.value)}
                    aria-describedby={`${field}-error`}
                    aria-invalid={error !== ''}
                />
                <p id={`${field}-error`} className="form-error" role="alert">
                    {error}
                </p>
                <button type="submit" className="button button-primary">
                    Place bid
                </button>
            </form>
        </Sheet>
    )
}
