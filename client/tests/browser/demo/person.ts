/** One person in a browser of their own: signed in, on a phone or at a desk, and what went wrong in their page. */

import type { Browser, BrowserContext, Page } from 'playwright-core'

export const PHONE = { width: 390, height: 844 }
export const DESK = { width: 1280, height: 800 }

/** Far above what a step needs on a busy machine; it ends a step that hangs. */
export const DEADLINE_MS = 120_000

/** The browser's own words for a request that was cut or refused, which the scenes bring about. */
const OF_THE_NETWORK = /^(Failed to load resource|WebSocket connection to)/

export interface PersonOptions {
    viewport?: { width: number; height: number }
    colorScheme?: 'dark' | 'light'
    /** Looks at the first screen before anybody signs in. */
    signIn?(person: Person): Promise<unknown>
    /** Answers no to whoever asks for the camera. */
    refusesCamera?: boolean
}

export class Person {
    readonly name: string
    readonly page: Page
    readonly context: BrowserContext
    /** Errors that nobody caught, and what the page logged as errors, but for loads that failed. */
    readonly troubles: string[] = []

    private constructor(name: string, context: BrowserContext, page: Page) {
        this.name = name
        this.context = context
        this.page = page
        page.on('pageerror', (error) => this.troubles.push(`${name}: ${error.message}`))
        page.on('console', (message) => {
            const text = message.text()
            if (message.type() === 'error' && !OF_THE_NETWORK.test(text)) this.troubles.push(`${name} logged: ${text}`)
        })
    }

    /** Opens the app and signs in by the keyboard. */
    static async enter(browser: Browser, url: string, name: string, options: PersonOptions = {}): Promise<Person> {
        const { viewport = PHONE, colorScheme = 'dark' } = options
        const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'no-preference' })
        context.setDefaultTimeout(DEADLINE_MS)
        await context.addInitScript(observe)
        if (options.refusesCamera) await context.addInitScript(refuse)
        const page = await context.newPage()
        const person = new Person(name, context, page)
        await page.goto(url)
        const button = page.getByRole('button', { name: new RegExp(`^${name}`) })
        await button.waitFor()
        await options.signIn?.(person)
        await button.focus()
        await page.keyboard.press('Enter')
        await page.getByRole('heading', { name: 'The catalogue' }).waitFor()
        return person
    }

    async openAuction(title: string): Promise<void> {
        await this.page.getByRole('link', { name: new RegExp(title) }).click()
    }

    async say(text: string): Promise<void> {
        await this.page.getByRole('textbox', { name: 'Message' }).fill(text)
        await this.page.keyboard.press('Enter')
    }

    /** Until an entry of the log has this text. */
    async reads(text: string): Promise<void> {
        await this.page.getByRole('log').getByText(text, { exact: false }).last().waitFor()
    }

    async press(name: string | RegExp): Promise<void> {
        await this.page.getByRole('button', { name }).first().click()
    }

    /** The same by the keyboard. */
    async key(name: string | RegExp): Promise<void> {
        const button = this.page.getByRole('button', { name }).first()
        await button.and(this.page.locator(':enabled')).waitFor()
        await button.focus()
        await this.page.keyboard.press('Enter')
    }

    /** The panel of the connection, opened or closed. */
    async togglePanel(): Promise<void> {
        await this.page.getByRole('button', { name: /Connection and switches/ }).click()
    }

    async flip(name: RegExp): Promise<void> {
        await this.page.getByRole('switch', { name }).focus()
        await this.page.keyboard.press('Space')
    }

    /** What the page shows, for whoever reads that a step failed. */
    async describe(): Promise<string> {
        const phases = this.page
            .locator('[data-phase]')
            .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.phase))
        const shown = Promise.all([phases, this.page.locator('body').ariaSnapshot()])
        const text = await shown.then(
            ([names, words]) => `phases ${names.join()}\n${words}`,
            (error: unknown) => `cannot be read: ${String(error)}`
        )
        return [`--- ${this.name}`, ...this.troubles, text].join('\n')
    }

    /** The numbers of the log that this page holds, in order, once the last one is there. */
    async seqsUpTo(headSeq: number): Promise<number[]> {
        const rows = this.page.getByRole('log').locator('[data-seq]')
        await this.page.getByRole('log').locator(`[data-seq="${headSeq}"]`).waitFor()
        return rows.evaluateAll((all) => all.map((row) => Number((row as HTMLElement).dataset.seq)))
    }
}

/** Runs in the page before anything else: the answer of somebody who lets nobody look. */
function refuse(): void {
    navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('Permission denied', 'NotAllowedError')
    }
}

/** Runs in the page before anything else: notes long tasks and shifts of the layout. */
function observe(): void {
    const noted = { longTasks: [] as number[], shifts: [] as { value: number; what: string }[] }
    Object.assign(globalThis, { noted })
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) noted.longTasks.push(Math.round(duration))
    }).observe({ type: 'longtask', buffered: true })
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            const shift = entry as PerformanceEntry & {
                value: number
                hadRecentInput: boolean
                sources: { node: Element | null }[]
            }
            const what = shift.sources.map(({ node }) => node?.className ?? node?.nodeName ?? '').join()
            if (!shift.hadRecentInput) noted.shifts.push({ value: shift.value, what })
        }
    }).observe({ type: 'layout-shift', buffered: true })
}
