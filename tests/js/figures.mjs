/**
 * Reads the view of figures as several callers, and tells what each was given.
 * Argument: {supabaseUrl, anonKey, callers: {name: token}}. Answer: {name: {status, rows} or {status, code}}.
 */

import { connect, finish } from './client.mjs'

const { callers, ...where } = JSON.parse(process.argv[2])

const given = await Promise.all(
    Object.entries(callers).map(async ([name, token]) => {
        const { status, data, error } = await connect(where, token).schema('stream').from('metrics').select('*')
        return [name, error ? { status, code: error.code } : { status, rows: data.length }]
    })
)
finish(Object.fromEntries(given))
