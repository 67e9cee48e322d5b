/** The messages that viewers reported and nobody has dealt with. */

import type { ReactElement } from 'react'
import type { Moderation } from '../backend/moderation.ts'
import { attempt } from '../ui/attempt.ts'
import { useList } from './use_list.ts'

export function Reports({ moderation }: { moderation: Moderation }): ReactElement {
    const { items, error, reload } = useList(moderation.reports)
    const change = (run: () => Promise<unknown>) => void attempt(run).then(reload)
    return (
        <div className="group">
            <h3>Reported</h3>
            <p className="form-error">{error}</p>
            {items.length === 0 && error === '' && <p className="quiet-note">Nothing.</p>}
            <ul className="entries">
                {items.map(({ message_id: id, username, seq, report_count: times }) => (
                    <li key={id} className="entry">
                        <span>
                            Message {seq} of <strong>{username ?? 'somebody'}</strong>,{' '}
                            {times === 1 ? 'once' : `${times} times`}
                        </span>
                        <span className="entry-buttons">
                            <button
                                type="button"
                                className="button button-small"
                                onClick={() => change(() => moderation.resolve(id))}
                            >
                                Keep
                            </button>
                            <button
                                type="button"
                                className="button button-small button-danger"
                                onClick={() => change(() => moderation.remove(id))}
                            >
                                Delete
                            </button>
                        </span>
                    </li>
                ))}
            </ul>
        </div>
    )
}
