/** The browser, its contexts, the page and the tokens of one run; what it opened it closes. */

import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { LoopbackEngineOptions } from '../../src/loopback.ts'
import { type AgoraKeys, mintToken } from './agora_token.ts'
import { type ChromiumOptions, launchChromium } from './chromium.ts'
import type { Autostart } from './page/page.ts'
import type { JoinArguments } from './page/participant.ts'
import { type PageServer, servePage } from './page_server.ts'

/** Ends a wait for what does not come; nothing is measured by it. */
const DEADLINE_MS = 60_000

export interface StageOptions {
    supabaseUrl: string
    anonKey: string
    agora: AgoraKeys
}

/** One page in a context of its own, with one engine. */
export class Actor {
    readonly name: string
    readonly page: Page
    readonly errors: string[] = []
    readonly #said = new Set<string>()

    constructor(name: string, page: Page) {
        this.name = name
        this.page = page
        page.on('console', (message) => this.#said.add(message.text()))
        page.on('pageerror', (error) => this.errors.push(`${name}: ${error.stack ?? error.message}`))
    }

    /** The reason of a refusal; null where the join works. */
    join(join: JoinArguments): Promise<string | null> {
        return this.page.evaluate((join) => window.page.participant.join(join), join)
    }

    /** Waits until the page has written this to its console, which is no touch, whether before this call or after. */
    async says(text: string): Promise<void> {
        if (this.#said.has(text)) return
        await this.page.waitForEvent('console', {
            predicate: (message) => message.text() === text,
            timeout: DEADLINE_MS,
        })
    }

    watch(uid: number): Promise<void> {
        return this.page.evaluate((uid) => window.page.participant.watch(uid), uid)
    }

    frames(uid: number): Promise<number> {
        return this.page.evaluate((uid) => window.page.participant.frames(uid), uid)
    }

    /** Waits for so many more frames. */
    async moreFrames(uid: number, count: number = 5): Promise<void> {
        const wanted = (await this.frames(uid)) + count
        await this.until(
            `${count} more frames of ${uid}`,
            ([uid, wanted]) => {
                return window.page.participant.frames(uid) >= wanted
            },
            [uid, wanted] as const
        )
    }

    mark(): Promise<number> {
        return this.page.evaluate(() => window.page.participant.mark())
    }

    /** Waits until an event with these members was told. */
    async told(name: string, members: object = {}, since: number = 0): Promise<void> {
        await this.until(
            `${name} ${JSON.stringify(members)}`,
            ([name, members, since]) => {
                return window.page.participant.count(name, members, since) > 0
            },
            [name, members, since] as const
        )
    }

    count(name: string, members: object = {}, since: number = 0): Promise<number> {
        const given = [name, members, since] as const
        return this.page.evaluate(
            ([name, members, since]) => window.page.participant.count(name, members, since),
            given
        )
    }

    brightness(uid: number): Promise<number | null> {
        return this.page.evaluate((uid) => window.page.participant.engine.brightness(uid), uid)
    }

    async until<Given>(what: string, holds: (given: Given) => boolean, given: Given): Promise<void> {
        try {
            // The cast: playwright's type of a function that takes what crosses into the page.
            await this.page.waitForFunction(holds as (given: unknown) => boolean, given as unknown, {
                timeout: DEADLINE_MS,
                polling: 20,
            })
        } catch (cause) {
            const told = await this.page
                .evaluate(() => {
                    const { participant, spectator } = window.page
                    const told = participant?.recorded.filter(({ name }) => name !== 'quality').slice(-12)
                    return { told, phases: spectator?.phases, steps: spectator?.recoveries, errors: spectator?.errors }
                })
                .catch(String)
            throw new Error(`${this.name}: never ${what}; last told: ${JSON.stringify(told)}`, { cause })
        }
    }
}

export class Stage {
    readonly options: StageOptions
    readonly #server: PageServer
    readonly #browsers = new Map<string, Browser>()
    readonly #contexts = new Set<BrowserContext>()
    #actors: Actor[] = []

    private constructor(options: StageOptions, server: PageServer) {
        this.options = options
        this.#server = server
    }

    static async open(options: StageOptions): Promise<Stage> {
        return new Stage(options, await servePage())
    }

    /** A page with an engine over the local stack; one browser serves all that have the same options. */
    async actor(
        name: string,
        engine: Partial<LoopbackEngineOptions> = {},
        browser: ChromiumOptions = {}
    ): Promise<Actor> {
        const actor = await this.bareActor(name, '/', browser)
        const options = { url: this.options.supabaseUrl, picture: 'camera' as const, label: name, ...engine }
        await actor.page.evaluate((options) => window.page.open(options), options)
        return actor
    }

    /** A page that does everything by itself, and that no test touches. */
    async untouchedActor(name: string, autostart: Autostart): Promise<Actor> {
        const context = await (await this.#browser({ soundWithoutTouch: false })).newContext()
        this.#contexts.add(context)
        const actor = new Actor(name, await context.newPage())
        this.#actors.push(actor)
        await actor.page.addInitScript((autostart) => {
            window.autostart = autostart
        }, autostart)
        await actor.page.goto(`${this.#server.url}/`)
        return actor
    }

    async bareActor(name: string, path: string, browser: ChromiumOptions = {}): Promise<Actor> {
        const context = await (await this.#browser(browser)).newContext()
        this.#contexts.add(context)
        const actor = new Actor(name, await context.newPage())
        this.#actors.push(actor)
        await actor.page.goto(this.#server.url + path)
        await actor.page.waitForFunction(() => 'page' in window)
        return actor
    }

    token(channel: string, uid: number, canPublish: boolean, lifeSeconds: number = 3_600): string {
        return mintToken(this.options.agora, { channel, uid, canPublish, lifeSeconds })
    }

    /** The errors that pages threw; then every context is closed. */
    async endScene(): Promise<string[]> {
        const errors = this.#actors.flatMap((actor) => actor.errors)
        this.#actors = []
        for (const context of this.#contexts) await context.close()
        this.#contexts.clear()
        return errors
    }

    async close(): Promise<void> {
        await this.endScene()
        for (const browser of this.#browsers.values()) await browser.close()
        await this.#server.stop()
    }

    async #browser(options: ChromiumOptions): Promise<Browser> {
        const key = JSON.stringify(options)
        const browser = this.#browsers.get(key) ?? (await launchChromium(options))
        this.#browsers.set(key, browser)
        return browser
    }
}
