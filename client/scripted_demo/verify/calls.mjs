/** Checks of the answers to the senders, before looking at what anybody received. */

import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {import('../record.mjs').Send} Send
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/** @param {Run} run @returns {Finding[]} */
export function checkCalls(run) {
    return [...run.sends.flatMap(checkAnswers), ...checkRealTimeOrder(run.sends)]
}

/** @param {Send} send @returns {Finding[]} */
function checkAnswers({ id, sender, answers, failure }) {
    const findings = failure === null ? [] : [finding('send_failed', sender, `message ${id}: ${failure}`)]
    for (const answer of answers) {
        if (answer.id !== id || answer.seq !== answers[0].seq) {
            const what =
                `message ${id} (seq ${answers[0].seq}) was answered again by ${answer.door} ` +
                `with ${answer.id} (seq ${answer.seq})`
            findings.push(finding('answer_differs', sender, what))
        }
    }
    return findings
}

/**
 * Who sends after somebody else's message was confirmed must come after it.
 * @param {Send[]} sends
 * @returns {Finding[]}
 */
function checkRealTimeOrder(sends) {
    const answered = sends.filter(({ answers }) => answers.length > 0)
    return answered.flatMap((later) =>
        answered
            .filter(
                (earlier) =>
                    earlier.answers[0].answered_at_ms < later.answers[0].called_at_ms &&
                    earlier.answers[0].seq > later.answers[0].seq
            )
            .map((earlier) => {
                const what =
                    `message ${later.id} (seq ${later.answers[0].seq}) was sent after ` +
                    `${earlier.id} (seq ${earlier.answers[0].seq}) had been answered`
                return finding('order_contradicts_calls', later.sender, what)
            })
    )
}
