/** What every screen may use: the backend of the page, and the user who is signed in. */

import { createContext, useContext } from 'react'
import type { Backend, User } from './backend.ts'

export const BackendContext = createContext<Backend | null>(null)
export const UserContext = createContext<User | null>(null)

export function useBackend(): Backend {
    const backend = useContext(BackendContext)
    if (backend === null) throw new Error('there is no backend around this component')
    return backend
}

export function useUser(): User {
    const user = useContext(UserContext)
    if (user === null) throw new Error('nobody is signed in')
    return user
}
