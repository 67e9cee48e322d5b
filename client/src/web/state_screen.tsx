/** One screen of a viewer in a browser: the app's own, or a title, a reason and a button. */

import type { ReactElement } from 'react'
import type { ShownScreen } from '../react/viewer_parts.ts'
import { BUTTON, COVER, DETAIL, NOTICE, OVERLAY, TITLE } from './styles.ts'

export function StateScreen({ screen, own }: ShownScreen): ReactElement {
    if (own !== undefined) return <>{own}</>
    const { kind, title, detail, action } = screen
    return (
        <div data-screen={kind} style={boxOf(screen)}>
            <p style={TITLE}>{title}</p>
            {detail !== null && <p style={DETAIL}>{detail}</p>}
            {action !== null && (
                <button type="button" style={BUTTON} onClick={action.run}>
                    {action.label}
                </button>
            )}
        </div>
    )
}

function boxOf({ kind, covers }: ShownScreen['screen']): typeof COVER {
    if (kind === 'sound_blocked' || kind === 'host_quality') return NOTICE
    return covers ? COVER : OVERLAY
}
