/** The name of the saleroom. */

import type { ReactElement } from 'react'
import mark from './icon.svg'

export function Brand(): ReactElement {
    return (
        <span className="brand">
            <img src={mark} alt="" width={28} height={28} />
            <span className="brand-name">Saleroom</span>
        </span>
    )
}
