/** The client that the hooks of a tree use; it is made outside React and outlives every render. */

import { type Context, createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react'
import type { StreamClient } from '../client.ts'

const ClientContext: Context<StreamClient | null> = createContext<StreamClient | null>(null)

export interface StreamProviderProps {
    /** Made once by `createStreamClient`, and disposed of by whoever made it. */
    client: StreamClient
    children?: ReactNode
}

export function StreamProvider({ client, children }: StreamProviderProps): ReactElement {
    return createElement(ClientContext.Provider, { value: client }, children)
}

/** The client of the provider above; null where there is none. */
export function useStreamClient(): StreamClient | null {
    return useContext(ClientContext)
}
