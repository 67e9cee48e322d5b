/**
 * Joins private channels as several callers, and tells who was let in.
 * Argument: {supabaseUrl, anonKey, callers: {name: access token | null}, topics: [...]}.
 * Answer: {name: {topic: verdict}}.
 */

import { connect, finish, join } from './client.mjs'

const { callers, topics, ...where } = JSON.parse(process.argv[2])

const verdicts = await Promise.all(
    Object.entries(callers).map(async ([name, accessToken]) => {
        const supabase = connect(where, accessToken)
        const ofTopics = topics.map(async (topic) => {
            const { verdict } = await join(supabase, topic, { isPrivate: true })
            return [topic, verdict]
        })
        return [name, Object.fromEntries(await Promise.all(ofTopics))]
    })
)
finish(Object.fromEntries(verdicts))
