/** Signing in as one of the demo users. */

import { type ReactElement, useState } from 'react'
import { DEMO_USERS, signIn } from '../backend/backend.ts'
import { useBackend } from '../backend/context.ts'
import { sentence } from '../ui/attempt.ts'
import { Avatar } from '../ui/avatar.tsx'
import { Brand } from '../ui/brand.tsx'
import { ThemeSwitch } from '../ui/theme_switch.tsx'

export function SignIn(): ReactElement {
    const { supabase } = useBackend()
    const [busy, setBusy] = useState<string | null>(null)
    const [error, setError] = useState<string | null>(null)
    const enter = async (email: string) => {
        setBusy(email)
        setError(null)
        try {
            await signIn(supabase, email)
        } catch (thrown) {
            setError(sentence(thrown))
            setBusy(null)
        }
    }
    return (
        <div className="sign-in">
            <header className="bar">
                <Brand />
                <ThemeSwitch />
            </header>
            <main className="sign-in-main">
                <h1 className="display">
                    Live auctions,
                    <br />
                    nothing lost.
                </h1>
                <p className="lead">
                    Take a seat as the seller, and in other tabs as buyers. Each tab is a person of its own.
                </p>
                <ul className="people">
                    {DEMO_USERS.map(({ email, name, role, about }) => (
                        <li key={email}>
                            <button
                                type="button"
                                className="person"
                                disabled={busy !== null}
                                aria-busy={busy === email}
                                onClick={() => void enter(email)}
                            >
                                <Avatar name={name} size={44} />
                                <span className="person-words">
                                    <span className="person-name">
                                        {name} <span className="tag">{role}</span>
                                    </span>
                                    <span className="person-about">{about}</span>
                                </span>
                            </button>
                        </li>
                    ))}
                </ul>
                <p className="sign-in-error" role="alert">
                    {error}
                </p>
            </main>
        </div>
    )
}
