/**
 * Follows a chat, catches up and marks what it read, as an app does with the real client.
 *
 * Subscribes through the function, joins the channel that it names, waits for one frame, catches up after the message
 * that it held, marks everything and leaves.
 *
 * Argument: {supabaseUrl, anonKey, sessionId, viewer: access token, held: message id}.
 * Answer: {subscription, verdict, frame, missed, unread: [before, after one mark, after all], left}.
 */

import { connect, finish, join, within } from './client.mjs'

const { sessionId, viewer, held, ...where } = JSON.parse(process.argv[2])
const supabase = connect(where, viewer)

/** @param {string} name @param {Record<string, unknown>} parameters */
async function call(name, parameters) {
    const { data, error } = await supabase.schema('stream').rpc(name, parameters)
    if (error) throw new Error(`${name}: ${error.message}`)
    return data
}

const subscription = await call('subscribe_to_chat', { session_id: sessionId })
/** @type {(frame: unknown) => void} */
let arrive = () => {}
const arrived = new Promise((resolve) => (arrive = resolve))
const onBroadcast = ({ payload }) => arrive(payload)
const { verdict } = await join(supabase, subscription.channel, { isPrivate: true, onBroadcast })
await call('send_message', { session_id: sessionId, user_id: null, content: 'hello' })
const frame = await within(arrived, 'a frame')

const missed = await call('sync_messages', { session_id: sessionId, last_message_id: held })
const reader = { session_id: sessionId, user_id: null }
const unread = [await call('unread_count', { session_id: sessionId })]
unread.push(await call('mark_messages_as_read', { ...reader, message_ids: missed.map(({ id }) => id) }))
unread.push(await call('mark_read_up_to', { ...reader, seq: missed.at(-1).seq }))
const left = await call('unsubscribe_from_chat', { subscription_id: subscription.id })
finish({ subscription, verdict, frame, missed, unread, left })
