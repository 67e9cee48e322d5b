/** The play: one auction from start to end, acted by a seller and three buyers. Judging is not done here. */

import { randomUUID } from 'node:crypto'
import { nowMs } from './clock.mjs'
import { grantedBy } from './doors.mjs'
import { Participant } from './participant.mjs'
import { countsSeen, entriesSeen, movesLogged, movesSeen } from './record.mjs'
import { decodeToken } from './tokens.mjs'

/**
 * @typedef {import('./record.mjs').Run} Run
 * @typedef {import('./record.mjs').Send} Send
 * @typedef {import('./record.mjs').StreamSession} StreamSession
 * @typedef {import('./doors.mjs').Door} LifecycleDoor
 * @typedef {(line: string) => void} Say
 */

/** What supabase/seed.sql creates; the password opens nothing but a demo. */
const AUCTION_ID = '00000000-0000-4000-8000-0000000000a1'
const PASSWORD = 'demo-password'
/** @type {ReadonlyArray<{name: string, role: import('./record.mjs').Role, email: string}>} */
const CAST = [
    { name: 'seller', role: 'seller', email: 'seller@demo.test' },
    { name: 'ada', role: 'buyer', email: 'buyer1@demo.test' },
    { name: 'ben', role: 'buyer', email: 'buyer2@demo.test' },
    { name: 'cleo', role: 'buyer', email: 'buyer3@demo.test' },
]

/** The first line of each; signs that a careless encoding, JSON or SQL layer would change are here on purpose. */
const GREETINGS = [
    'Welcome! Lot 1: a pocket watch, 1962 — “Zażółć” inside the lid.',
    'hello 👋🏽',
    `it's "mint" \\o/ 100%`,
    'こんにちは\nfrom far away',
]
const BIDS_EACH = 3

/**
 * Acts the play and leaves everything that happened in `run`, also when it throws half way.
 * @param {Run} run
 * @param {{supabaseUrl: string, anonKey: string, edgeUrl: string | null}} where
 * @param {Say} say
 */
export async function play(run, where, say) {
    /** @type {Participant[]} */
    const everybody = []
    try {
        everybody.push(...(await Promise.all(CAST.map((who) => Participant.signIn({ ...who, password: PASSWORD }, where)))))
        run.participants.push(...everybody.map(({ record }) => record))
        const [seller, ...buyers] = everybody
        say(`signed in: ${everybody.map(({ record }) => record.name).join(', ')}`)

        const session = await openStream(seller, say)
        run.session = session
        try {
            await gather(run, session, seller, buyers, say)
            await moveTo(run, session, seller, everybody, 'active', say)
            await talk(run, session, everybody, say)
            await moveTo(run, session, seller, everybody, 'paused', say)
            await sendAll(run, session, everybody.map((speaker) => ({ speaker, content: `${speaker.record.name} waits` })))
            await moveTo(run, session, seller, everybody, 'active', say)
            await repeatOne(run, session, everybody, say)
        } catch (error) {
            // The next play should not have to take this stream over; the first error is the one that matters.
            await lifecycleDoor(seller).endStream(session).catch(() => say('the stream could not be ended after the error'))
            throw error
        }
        await moveTo(run, session, seller, everybody, 'ended', say)
    } finally {
        const left = await Promise.allSettled(everybody.map((participant) => participant.leave()))
        for (const outcome of left) {
            if (outcome.status === 'rejected') say(`not left cleanly: ${outcome.reason}`)
        }
    }
}

/** @param {Participant} seller @param {Say} say @returns {Promise<StreamSession>} a stream nobody has played on */
async function openStream(seller, say) {
    const door = lifecycleDoor(seller)
    let session = await door.startStream(seller.record.user_id, AUCTION_ID)
    if (session.generation > 1 || session.state !== 'initializing') {
        await door.endStream(session)
        say(`an earlier run left ${session.id} ${session.state} (now generation ${session.generation}): ended, started anew`)
        session = await door.startStream(seller.record.user_id, AUCTION_ID)
    }
    say(`the seller started ${session.id} through ${door.name}: ${session.state}, generation ${session.generation}`)
    return session
}

/**
 * Everybody gets a token and all three channels. State and count are open to who may watch, so they come first and
 * everybody sees every count that is sent: one may stand for several joins. The chat is open to who has joined.
 * @param {Run} run @param {StreamSession} session @param {Participant} seller @param {Participant[]} buyers @param {Say} say
 */
async function gather(run, session, seller, buyers, say) {
    const token = await seller.rpc.sellerToken(seller.record.user_id, session)
    seller.record.token = { granted: grantedBy(token), decoded: decodeToken(token.token) }
    await Promise.all([seller, ...buyers].map((participant) => participant.subscribe(session.id, 'stream', 'viewers')))
    await seller.connect(session)
    run.expected.viewer_count = buyers.length
    for (const buyer of buyers) {
        run.joins.push({ name: buyer.record.name, called_at_ms: nowMs() })
        await join(buyer, session)
    }
    await everybodySees([seller, ...buyers], 'all viewers counted', say, (record) =>
        countsSeen(record).some(({ payload }) => payload?.viewer_count === buyers.length)
    )
    say(`${buyers.length} buyers joined; all channels carry database broadcasts`)
}

/** @param {Participant} buyer @param {StreamSession} session */
async function join(buyer, session) {
    const connection = await buyer.connect(session)
    buyer.record.lease_uid = connection?.lease?.agoraUid ?? null
    const token = connection?.token
    if (token) buyer.record.token = { granted: grantedBy(token), decoded: decodeToken(token.token) }
}

/**
 * @param {Run} run @param {StreamSession} session @param {Participant} seller @param {Participant[]} everybody
 * @param {'active' | 'paused' | 'ended'} state @param {Say} say
 */
async function moveTo(run, session, seller, everybody, state, say) {
    const door = lifecycleDoor(seller)
    const isResume = state === 'active' && run.expected.states.includes('active')
    run.expected.states.push(state)
    run.moves.push({ what: state, called_at_ms: nowMs() })
    if (state === 'paused') await door.pauseStream(session)
    else if (state === 'ended') await door.endStream(session)
    else if (isResume) await door.resumeStream(session)
    else await door.updateStreamState(session, state)
    const expected = run.expected.states.length
    // Both lanes: the state event and its entry in the log. After the last one everything else has been delivered too,
    // because Realtime delivers in commit order and nothing is logged after the end.
    await everybodySees(everybody, `${state} (move ${expected})`, say, (record) =>
        [movesSeen(record), movesLogged(record)].every((moves) => moves.length >= expected)
    )
    say(`the seller moved the stream to ${state} through ${door.name}`)
}

/**
 * First one after the other, then all at once.
 * @param {Run} run @param {StreamSession} session @param {Participant[]} everybody @param {Say} say
 */
async function talk(run, session, everybody, say) {
    for (const [index, speaker] of everybody.entries()) {
        await sendAll(run, session, [{ speaker, content: GREETINGS[index] }])
    }
    const bids = Array.from({ length: BIDS_EACH }, (_, round) =>
        everybody.map((speaker) => ({ speaker, content: `${speaker.record.name} offers ${100 + 10 * round}` }))
    )
    await sendAll(run, session, bids.flat())
    await everybodySees(everybody, 'the chat', say, (record) => {
        const seen = new Set(entriesSeen(record).map(({ message }) => message.id))
        return run.sends.every(({ id, failure }) => failure !== null || seen.has(id))
    })
    say(`${run.sends.length} messages sent, the last ${bids.flat().length} at once`)
}

/**
 * A lost answer makes a client send again with the same id: one entry, the same answer, whatever the door.
 * @param {Run} run @param {StreamSession} session @param {Participant[]} everybody @param {Say} say
 */
async function repeatOne(run, session, everybody, say) {
    const speaker = everybody[everybody.length - 1]
    const [send] = await sendAll(run, session, [{ speaker, content: 'going once?' }])
    const otherDoor = send.answers[0]?.door === 'edge' ? speaker.rpc : (speaker.edge ?? speaker.rpc)
    await attempt(send, session, otherDoor)
    say(`${speaker.record.name} sent one message twice with the same id`)
}

/**
 * Sends all lines at once; every second one of each speaker goes through the edge when there is one.
 * @param {Run} run @param {StreamSession} session @param {{speaker: Participant, content: string}[]} lines
 * @returns {Promise<Send[]>}
 */
async function sendAll(run, session, lines) {
    return Promise.all(
        lines.map(async ({ speaker, content }) => {
            /** @type {Send} */
            const send = { id: randomUUID(), sender: speaker.record.name, content, answers: [], failure: null }
            const isEdgeTurn = run.sends.filter(({ sender }) => sender === send.sender).length % 2 === 1
            run.sends.push(send)
            await attempt(send, session, (isEdgeTurn && speaker.edge) || speaker.rpc)
            return send
        })
    )
}

/**
 * A refused send is a finding, not the end of the play.
 * @param {Send} send @param {StreamSession} session @param {LifecycleDoor} door
 */
async function attempt(send, session, door) {
    const calledAtMs = nowMs()
    try {
        const { id, seq } = await door.sendMessage(session.id, send.content, send.id)
        send.answers.push({ door: door.name, called_at_ms: calledAtMs, answered_at_ms: nowMs(), id, seq })
    } catch (error) {
        send.failure = error instanceof Error ? error.message : String(error)
    }
}

/**
 * @param {Participant[]} everybody @param {string} what @param {Say} say
 * @param {(record: import('./record.mjs').ParticipantRecord) => boolean} holds
 */
async function everybodySees(everybody, what, say, holds) {
    const answers = await Promise.all(everybody.map((participant) => participant.sees(holds)))
    const late = everybody.filter((_, index) => !answers[index]).map(({ record }) => record.name)
    if (late.length > 0) say(`deadline: ${late.join(', ')} did not see: ${what}`)
}

/** @param {Participant} seller @returns {LifecycleDoor} */
function lifecycleDoor(seller) {
    return seller.edge ?? seller.rpc
}
