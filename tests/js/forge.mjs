/**
 * Broadcasts as a client by itself, and tells what reaches subscribers.
 *
 * A forger who may listen sends to the private topics of a stream, an outsider to public topics of the same names. A
 * genuine message follows, then one by the forger on a public topic, which shows that sending works. One socket's
 * messages are handled in order, so by its arrival everything forged would have arrived as well.
 *
 * Argument: {supabaseUrl, anonKey, sessionId, listener, forger: access tokens}; answer: {name: [{topic, payload}]}.
 */

import { connect, finish, join, within } from './client.mjs'

const { sessionId, listener, forger, ...where } = JSON.parse(process.argv[2])

const TOPICS = ['stream', 'viewers', 'chat'].map((kind) => `${kind}:${sessionId}`)
const CONTROL = `control:${sessionId}`
const EVENTS = ['state', 'viewer_count', 'messages']

/** @type {Record<string, {topic: string, payload: any}[]>} */
const seen = { listener: [], forger: [], outsider: [] }
const clients = { listener: connect(where, listener), forger: connect(where, forger), outsider: connect(where, null) }
/** @type {Set<() => void>} */
const watchers = new Set()

/** @param {string} name @param {string} topic @param {boolean} isPrivate */
async function enter(name, topic, isPrivate) {
    const onBroadcast = ({ payload }) => {
        seen[name].push({ topic, payload })
        for (const watcher of [...watchers]) watcher()
    }
    const { channel, verdict } = await join(clients[name], topic, { isPrivate, onBroadcast })
    if (verdict !== 'joined') throw new Error(`${name} did not join ${topic}: ${verdict}`)
    return channel
}

/** @param {string[]} names @param {(sighting: {topic: string, payload: any}) => boolean} matches */
async function everyone(names, matches, /** @type {string} */ what) {
    const holds = () => names.every((name) => seen[name].some(matches))
    const reached = new Promise((resolve) => {
        const watcher = () => holds() && resolve(undefined)
        watchers.add(watcher)
        watcher()
    })
    await within(reached, `${what} reaching ${names}`)
}

/** @param {any} channel @param {string} event */
async function forge(channel, event) {
    const sent = await within(channel.send({ type: 'broadcast', event, payload: { forged: true } }), `send ${event}`)
    if (sent !== 'ok') throw new Error(`${event} was not sent: ${sent}`)
}

await Promise.all(TOPICS.map((topic) => enter('listener', topic, true)))
const forged = await Promise.all(TOPICS.map((topic) => enter('forger', topic, true)))
const outside = await Promise.all(TOPICS.map((topic) => enter('outsider', topic, false)))
const [control] = await Promise.all(['forger', 'listener', 'outsider'].map((name) => enter(name, CONTROL, false)))

for (const [index, event] of EVENTS.entries()) {
    await forge(forged[index], event)
    await forge(outside[index], event)
}
// They hear themselves: what they sent has been handled.
for (const topic of TOPICS) await everyone(['outsider'], (sighting) => sighting.topic === topic, topic)
const genuine = { session_id: sessionId, user_id: null, content: 'genuine' }
const { error } = await within(clients.forger.schema('stream').rpc('send_message', genuine), 'send_message')
if (error) throw new Error(error.message)
const isGenuine = ({ payload }) => payload.messages?.some(({ content }) => content === 'genuine')
await everyone(['listener', 'forger'], isGenuine, 'the genuine message')

const isControl = ({ topic }) => topic === CONTROL
await forge(control, 'control')
await everyone(Object.keys(clients), isControl, 'the public message')
finish(seen)
