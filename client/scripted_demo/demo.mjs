/** The demo: plays the main job end to end with the real client. Exits 0 when it worked; 1 when not, after naming what failed; 2 for bad arguments. */

import { parseArgs } from 'node:util'
import { nowMs } from './clock.mjs'
import { play } from './play.mjs'
import { emptyRun } from './record.mjs'
import { rowsOf, summarize, transcript, verdict } from './report.mjs'
import { verify } from './verify.mjs'
import { finding } from './verify/finding.mjs'

const USAGE = `usage: node demo.mjs --supabase-url URL --anon-key KEY --app-id HEX [--edge-url URL] [--json]

  --supabase-url  where auth, rest and realtime answer
  --anon-key      the project's anon key
  --app-id        Agora app id that the tokens must carry, 32 hex digits
  --edge-url      the edge: lifecycle calls and every second chat message go through it
  --json          one JSON object on standard output instead of the transcript`

/**
 * @typedef {{supabaseUrl: string, anonKey: string, appId: string, edgeUrl: string | null, asJson: boolean}} Arguments
 * @param {string[]} argv
 * @returns {Arguments}
 * @throws {TypeError} naming the argument that is missing, unknown or malformed
 */
function parseArguments(argv) {
    const { values } = parseArgs({
        args: argv,
        options: {
            'supabase-url': { type: 'string' },
            'anon-key': { type: 'string' },
            'app-id': { type: 'string' },
            'edge-url': { type: 'string' },
            json: { type: 'boolean', default: false },
        },
    })
    const { 'supabase-url': supabaseUrl, 'anon-key': anonKey, 'app-id': appId, 'edge-url': edgeUrl } = values
    if (!anonKey) throw new TypeError('--anon-key is missing')
    if (!appId || !/^[0-9a-f]{32}$/i.test(appId)) throw new TypeError('--app-id is missing or not 32 hex digits')
    return {
        supabaseUrl: parseUrl('--supabase-url', supabaseUrl),
        anonKey,
        appId,
        edgeUrl: edgeUrl === undefined ? null : parseUrl('--edge-url', edgeUrl),
        asJson: values.json,
    }
}

/** @param {string} option @param {string | undefined} text @returns {string} without the slash at the end */
function parseUrl(option, text) {
    const url = URL.parse(text ?? '')
    if (url === null || !/^https?:$/.test(url.protocol)) throw new TypeError(`${option} is missing or not an http(s) URL`)
    return url.href.replace(/\/+$/, '')
}

/** Server times mean something here only when the server's clock is ours. @param {string} url */
function isThisMachine(url) {
    return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)
}

/** @param {Arguments} options @returns {Promise<number>} exit status */
async function main({ supabaseUrl, anonKey, appId, edgeUrl, asJson }) {
    const run = emptyRun(appId, isThisMachine(supabaseUrl), nowMs())
    /** @param {string} line */
    const say = (line) => {
        const text = `+${((nowMs() - run.began_at_ms) / 1000).toFixed(3)} s  ${line}`
        if (asJson) console.error(text)
        else console.log(text)
    }

    /** @type {import('./verify/finding.mjs').Finding[]} */
    let findings
    try {
        await play(run, { supabaseUrl, anonKey, edgeUrl }, say)
        findings = verify(run)
    } catch (error) {
        const what = error instanceof Error ? error.message : String(error)
        findings = [finding('play_incomplete', 'play', what)]
    }

    if (asJson) {
        const summary = summarize(run.participants.flatMap((participant) => rowsOf(run, participant)))
        console.log(JSON.stringify({ passed: findings.length === 0, findings, summary, run }, null, 2))
    } else {
        console.log(`\n${transcript(run)}\n\n${verdict(run, findings)}`)
    }
    return findings.length === 0 ? 0 : 1
}

/** @type {Arguments} */
let options
try {
    options = parseArguments(process.argv.slice(2))
} catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    process.exit(2)
}
const status = await main(options)
// Everything is closed by now, but disconnect() of realtime-js 2.119.1 leaves a 10 s timer armed, and the process would
// wait for it. Exit once what was printed has left the process (a pipe is written asynchronously).
process.stdout.write('', () => process.exit(status))
