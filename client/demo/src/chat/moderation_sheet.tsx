/** The chat's settings: slow mode, who may write, blocked terms, mutes, bans and reports. */

import type { ChatMode } from '@pg-stream/client'
import { useChat } from '@pg-stream/client/react'
import { type FormEvent, type ReactElement, useId, useState } from 'react'
import { useBackend } from '../backend/context.ts'
import { type Moderation, moderationOf } from '../backend/moderation.ts'
import { useStage } from '../stage/stage_context.ts'
import { attempt } from '../ui/attempt.ts'
import { Icon } from '../ui/icon.tsx'
import { Sheet } from '../ui/sheet.tsx'
import { Reports } from './reports.tsx'
import { Restrictions } from './restrictions.tsx'
import { useList } from './use_list.ts'

const SLOW_S = [0, 5, 15, 30, 60]
const MODES: Record<ChatMode, string> = {
    viewers: 'All viewers',
    verified: 'Verified viewers',
    hosts: 'The seller and moderators',
    nobody: 'Nobody',
}

export function ModerationSheet({ onClose }: { onClose(): void }): ReactElement {
    const { client } = useBackend()
    const { watched } = useStage()
    const { slowModeMs, chatMode } = useChat(watched)
    const [moderation] = useState(() => moderationOf(client, watched.sessionId))
    const mode = useId()
    return (
        <Sheet title="Moderation" onClose={onClose}>
            <fieldset className="group">
                <legend>Slow mode</legend>
                <div className="choices">
                    {SLOW_S.map((seconds) => (
                        <button
                            key={seconds}
                            type="button"
                            className="choice numbers"
                            aria-pressed={slowModeMs === seconds * 1000}
                            onClick={() => void attempt(() => moderation.setSlowMode(seconds * 1000))}
                        >
                            {seconds === 0 ? 'Off' : `${seconds} s`}
                        </button>
                    ))}
                </div>
            </fieldset>
            <div className="group">
                <label htmlFor={mode}>Who may write</label>
                <select
                    id={mode}
                    className="input"
                    value={chatMode}
                    onChange={(event) => void attempt(() => moderation.setMode(event.target.value as ChatMode))}
                >
                    {Object.entries(MODES).map(([value, words]) => (
                        <option key={value} value={value}>
                            {words}
                        </option>
                    ))}
                </select>
            </div>
            <Terms moderation={moderation} />
            <Restrictions moderation={moderation} />
            <Reports moderation={moderation} />
        </Sheet>
    )
}

function Terms({ moderation }: { moderation: Moderation }): ReactElement {
    const { items, error, reload } = useList(moderation.terms)
    const [term, setTerm] = useState('')
    const field = useId()
    const change = (run: () => Promise<unknown>) => attempt(run).then(reload)
    const submit = (event: FormEvent) => {
        event.preventDefault()
        if (term.trim() === '') return
        void change(() => moderation.block(term)).then(() => setTerm(''))
    }
    return (
        <form className="group" onSubmit={submit}>
            <label htmlFor={field}>Blocked terms</label>
            <div className="field-row">
                <input
                    id={field}
                    className="input"
                    maxLength={100}
                    autoComplete="off"
                    value={term}
                    onChange={(event) => setTerm(event.target.value)}
                />
                <button type="submit" className="button">
                    Block
                </button>
            </div>
            <p className="form-error">{error}</p>
            <ul className="chips">
                {items.map(({ term: blocked }) => (
                    <li key={blocked} className="chip">
                        {blocked}
                        <button
                            type="button"
                            className="chip-remove"
                            aria-label={`Unblock ${blocked}`}
                            onClick={() => void change(() => moderation.unblock(blocked))}
                        >
                            <Icon name="close" size={14} />
                        </button>
                    </li>
                ))}
            </ul>
        </form>
    )
}
