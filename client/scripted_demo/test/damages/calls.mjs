/** Wrong answers to the senders. */

/** @typedef {import('./damage.mjs').Damage} Damage */

/** @type {Damage[]} */
export const CALLS_DAMAGES = [
    {
        name: 'a refused send',
        damage: (run) => {
            run.sends.push({ id: 'x', sender: 'ben', content: 'x', answers: [], failure: 'rpc send_message: 429' })
        },
        kinds: ['send_failed'],
        who: 'ben',
    },
    {
        name: 'a repeat that became a second message',
        damage: ({ sends }) => {
            const { answers } = sends[sends.length - 1]
            answers.push({ ...answers[0], seq: answers[0].seq + 1 })
        },
        kinds: ['answer_differs'],
        who: 'cleo',
    },
    {
        name: 'answers whose seqs contradict the order of the calls',
        damage: (run) => {
            const [first, second] = run.sends
            // The log agrees with both answers; only the time of the calls speaks against it.
            second.answers[0].called_at_ms = run.began_at_ms + 0.001
            second.answers[0].answered_at_ms = run.began_at_ms + 0.002
            first.answers[0].called_at_ms = run.began_at_ms + 0.003
            first.answers[0].answered_at_ms = run.began_at_ms + 0.004
        },
        kinds: ['order_contradicts_calls'],
        who: 'seller',
    },
]
