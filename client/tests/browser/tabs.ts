/**
 * Tabs of one browser as a person has them: one is in front, the others are hidden, and nothing keeps their timers and frames alive.
 * Playwright gives every page the focus; so this speaks to Chromium by itself.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMMON_ARGUMENTS, PERMISSIONS, PROGRAM } from './chromium.ts'

/** Between two looks at a page that is waited for. */
const LOOK_EVERY_MS = 200
/** Ends a wait for what does not come; nothing is measured by it. */
const DEADLINE_MS = 90_000

type Answer = { id?: number; result?: unknown; error?: { message: string } }

export class Tabs {
    readonly #program: ChildProcess
    readonly #socket: WebSocket
    readonly #directory: string
    readonly #answers = new Map<number, (answer: Answer) => void>()
    #lastId = 0

    private constructor(program: ChildProcess, socket: WebSocket, directory: string) {
        this.#program = program
        this.#socket = socket
        this.#directory = directory
        socket.onmessage = ({ data }) => {
            const answer = JSON.parse(String(data)) as Answer
            this.#answers.get(answer.id ?? 0)?.(answer)
            this.#answers.delete(answer.id ?? 0)
        }
    }

    static async launch(): Promise<Tabs> {
        const directory = mkdtempSync(join(tmpdir(), 'pg-stream-tabs-'))
        const own = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${directory}`]
        const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
        const sound = '--autoplay-policy=no-user-gesture-required'
        const all = [...own, ...sandbox, ...COMMON_ARGUMENTS, PERMISSIONS.granted, sound, 'about:blank']
        const program = spawn(PROGRAM, all, { stdio: ['ignore', 'ignore', 'pipe'] })
        const url = await new Promise<string>((resolve, reject) => {
            let said = ''
            program.stderr?.on('data', (data) => {
                said += data
                const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? []
                if (address !== undefined) resolve(address)
            })
            program.once('exit', () => reject(new Error(`chromium ended: ${said}`)))
        })
        const socket = new WebSocket(url)
        await once(socket, 'open')
        return new Tabs(program, socket, directory)
    }

    async open(url: string): Promise<Tab> {
        const { targetId } = (await this.send('Target.createTarget', { url })) as { targetId: string }
        const attached = await this.send('Target.attachToTarget', { targetId, flatten: true })
        return new Tab(this, targetId, (attached as { sessionId: string }).sessionId)
    }

    async send(method: string, params: object, sessionId?: string): Promise<unknown> {
        const id = ++this.#lastId
        const answered = new Promise<Answer>((resolve) => this.#answers.set(id, resolve))
        this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
        const { result, error } = await answered
        if (error !== undefined) throw new Error(`${method}: ${error.message}`)
        return result
    }

    async close(): Promise<void> {
        const ended = once(this.#program, 'exit')
        await this.send('Browser.close', {}).catch(() => this.#program.kill())
        await ended
        rmSync(this.#directory, { recursive: true, force: true })
    }
}

export class Tab {
    readonly #tabs: Tabs
    readonly #targetId: string
    readonly #sessionId: string

    constructor(tabs: Tabs, targetId: string, sessionId: string) {
        this.#tabs = tabs
        this.#targetId = targetId
        this.#sessionId = sessionId
    }

    /** Hides the others. */
    async toFront(): Promise<void> {
        await this.#tabs.send('Target.activateTarget', { targetId: this.#targetId })
        await this.until(() => document.visibilityState === 'visible')
    }

    /** The function runs in the page, and knows what it is given alone. */
    async evaluate<Given, Result>(run: (given: Given) => Result | Promise<Result>, given?: Given): Promise<Result> {
        const expression = `(${run})(${JSON.stringify(given)})`
        const params = { expression, awaitPromise: true, returnByValue: true, userGesture: true }
        const answer = await this.#tabs.send('Runtime.evaluate', params, this.#sessionId)
        const { result, exceptionDetails } = answer as { result: { value: Result }; exceptionDetails?: object }
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
        return result.value
    }

    async until<Given>(holds: (given: Given) => boolean, given?: Given): Promise<void> {
        const end = Date.now() + DEADLINE_MS
        while (!(await this.evaluate(holds, given).catch(() => false))) {
            if (Date.now() > end) {
                const shown = await this.evaluate(() => document.body.textContent)
                throw new Error(`never ${holds} with ${JSON.stringify(given)}; the page shows: ${shown}`)
            }
            await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
        }
    }

    /** Presses the button or link of this name, or with this in its name, once it is there. */
    press(name: string): Promise<void> {
        return this.until((name) => {
            const all = document.querySelectorAll<HTMLElement>('button:enabled, a[href]')
            const nameOf = (one: HTMLElement) => (one.getAttribute('aria-label') ?? one.textContent).trim()
            const found =
                [...all].find((one) => nameOf(one) === name) ?? [...all].find((one) => nameOf(one).includes(name))
            found?.click()
            return found !== undefined
        }, name)
    }

    /** Until the video is in this phase. */
    phase(phase: string): Promise<void> {
        return this.until((phase) => document.querySelector(`[data-phase="${phase}"]`) !== null, phase)
    }
}
