/**
 * Joins with replay, and tells what the client was sent.
 * Argument: {supabaseUrl, anonKey, accessToken, topic, replay, isPublic?}.
 * Answer: {verdict, messages: [{event, payload, meta}]}, everything that came before the channel was ready.
 */

import { connect, finish, join } from './client.mjs'

const { accessToken, topic, replay, isPublic = false, ...where } = JSON.parse(process.argv[2])

/** @type {{event: string, payload: any, meta: any}[]} */
const messages = []
const onBroadcast = ({ event, payload, meta }) => messages.push({ event, payload, meta })
const { verdict } = await join(connect(where, accessToken), topic, { isPrivate: true, isPublic, replay, onBroadcast })
finish({ verdict, messages })
