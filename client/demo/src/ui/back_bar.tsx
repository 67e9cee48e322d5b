/** The bar above a lot and a summary, with the way back. */

import type { ReactElement } from 'react'
import { Icon } from './icon.tsx'
import { linkTo } from './route.ts'

export function BackBar(): ReactElement {
    return (
        <header className="bar">
            <a className="icon-button" href={linkTo.lobby} aria-label="All auctions">
                <Icon name="back" />
            </a>
        </header>
    )
}
