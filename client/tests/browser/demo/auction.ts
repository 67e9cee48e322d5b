/**
 * A whole auction in the demo app, by people in browsers: a seller and two buyers, bids, chat, reactions, moderation, a network that
 * is cut, a buyer who sleeps, the summary. Prints one line of JSON: what was wrong, and what was measured.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Locator } from 'playwright-core'
import { launchChromium } from '../chromium.ts'
import { checkScreen, type Finding } from './checks.ts'
import { measureFlood } from './measured_flood.ts'
import { DESK, Person, type PersonOptions } from './person.ts'
import { videoPlays } from './picture.ts'

const text = { type: 'string' } as const
const { values } = parseArgs({
    options: { 'supabase-url': text, 'service-key': text, 'anon-key': text, 'app-id': text },
})
const url = values['supabase-url'] ?? ''
const serviceKey = values['service-key'] ?? ''

const TITLE = 'Leica M3'

const findings: Finding[] = []
const find = (where: string, what: string) => findings.push({ where, what })
const browser = await launchChromium()
const say = (line: string) => process.stderr.write(`${Math.round(performance.now() / 1000)} s: ${line}\n`)

const everybody: Person[] = []
async function enter(name: string, options: PersonOptions = {}): Promise<Person> {
    const person = await Person.enter(browser, `${url}/demo/`, name, options)
    everybody.push(person)
    return person
}

try {
    const signIn = async (person: Person) => findings.push(...(await checkScreen(person, 'sign-in')))
    const seller = await enter('seller', { viewport: DESK, signIn })
    findings.push(...(await checkScreen(seller, 'catalogue')))

    say('the seller opens the studio and goes live')
    await seller.openAuction(TITLE)
    findings.push(...(await checkScreen(seller, 'lot')))
    await seller.press('Open the studio')
    await seller.press('Drawn picture')
    await seller.key('Start the preview')
    await seller.page.locator('[data-phase="preview"]').first().waitFor()
    findings.push(...(await checkScreen(seller, 'preview')))
    await seller.key('Go live')
    await seller.key('Pause')
    await seller.page.locator('.badge').getByText('Paused').waitFor()
    findings.push(...(await checkScreen(seller, 'paused')))
    await seller.key('Resume')
    await seller.page.locator('.badge').getByText('Live').waitFor()

    say('two buyers come in')
    const ada = await enter('ada')
    const ben = await enter('ben', { viewport: DESK, colorScheme: 'light' })
    const people = [seller, ada, ben]
    for (const buyer of [ada, ben]) {
        await buyer.openAuction(TITLE)
        await videoPlays(buyer.page)
    }
    const sessionId = await sessionOf(seller)
    await seller.page.locator('.viewers').getByText('2').waitFor()

    say('they talk, bid and react')
    await seller.say('Welcome, everybody. This one was serviced in March.')
    await ada.reads('Welcome, everybody')
    await ada.say('Is the meter original?')
    await seller.reads('Is the meter original?')
    await ben.key(/^Bid €1,200$/)
    for (const person of people) await person.reads('€1,200')
    await ada.press(/^Bid €1,250$/)
    await ben.page.locator('.lot-panel .price').getByText('€1,250').waitFor()
    await ben.key('Other')
    findings.push(...(await checkScreen(ben, 'other bid')))
    await ben.page.getByRole('textbox', { name: /Amount in euros/ }).fill('1,400')
    await ben.page.keyboard.press('Enter')
    await ada.page.locator('.lot-panel .price').getByText('€1,400').waitFor()
    await ben.page.getByText('You lead').waitFor()
    await ada.key(/^love:/)
    await seller.page.getByRole('button', { name: /^love: 1$/ }).waitFor()
    for (const person of people) findings.push(...(await checkScreen(person, `stage of ${person.name}`)))

    say('the seller moderates, by the keyboard')
    await ada.say('Buy followers at my shop')
    await seller.reads('Buy followers')
    await actOn(seller, 'Is the meter original?', 'Pin')
    await ben.page.locator('.pinned').getByText('Is the meter original?').waitFor()
    await ben.reads('Buy followers')
    await actOn(seller, 'Buy followers', 'Delete the message')
    await ben.reads('Message removed')
    await ben.page.getByRole('log').getByText('Buy followers').waitFor({ state: 'detached' })
    await seller.press('Moderate')
    findings.push(...(await checkScreen(seller, 'moderation')))
    await seller.page.getByRole('textbox', { name: 'Blocked terms' }).fill('followers')
    await seller.page.keyboard.press('Enter')
    await seller.page.getByRole('button', { name: 'Unblock followers' }).waitFor()
    await seller.press('5 s')
    await seller.page.getByRole('button', { name: '5 s', pressed: true }).first().waitFor()
    await seller.page.keyboard.press('Escape')
    await ben.page.getByText('Slow mode: one message every 5 s').waitFor()
    await ben.say('More followers here')
    await ben.page.getByText('Discard').waitFor()
    await ben.press('Discard')
    await seller.press('Moderate')
    await seller.press('Off')
    await seller.page.keyboard.press('Escape')
    await ben.page.getByText('Slow mode: one').waitFor({ state: 'detached' })
    await actOn(seller, 'Is the meter original?', /^Mute ada/)
    await ada.page
        .getByText(/You are muted/)
        .first()
        .waitFor()
    await seller.press('Moderate')
    await seller.press('Lift')
    await seller.page.keyboard.press('Escape')
    await ada.page.getByRole('textbox', { name: 'Message' }).and(ada.page.locator(':enabled')).waitFor()

    say("ada's network is cut")
    await ada.togglePanel()
    findings.push(...(await checkScreen(ada, 'connection')))
    await ada.flip(/Cut my network/)
    await ada.page.getByText('reconnecting', { exact: true }).waitFor()
    await seller.say('Said while ada was in the tunnel')
    await ben.reads('in the tunnel')
    await ada.flip(/Cut my network/)
    await ada.reads('in the tunnel')
    await videoPlays(ada.page)
    await ada.togglePanel()

    say('ben sleeps')
    await ben.togglePanel()
    await ben.press(/^Sleep/)
    const asleep = ben.page.getByRole('heading', { name: 'Asleep' })
    await asleep.waitFor()
    await seller.say('Said while ben slept')
    await ada.reads('while ben slept')
    const heard = await ben.page.getByText('while ben slept').count()
    // Read after the log: whoever still sleeps slept then.
    if (!(await asleep.isVisible())) throw new Error('ben woke before ada had read it')
    if (heard > 0) find('ben', 'reads while he sleeps')
    findings.push(...(await checkScreen(ben, 'asleep')))
    await asleep.waitFor({ state: 'detached' })
    await ben.reads('while ben slept')
    await videoPlays(ben.page)
    await ben.page.keyboard.press('Escape')

    say('the seller freezes, and shows black')
    await seller.togglePanel()
    await seller.flip(/Freeze the host/)
    await ada.page.locator('[data-phase="frozen"], [data-phase="reconnecting"]').first().waitFor()
    await seller.flip(/Freeze the host/)
    await videoPlays(ada.page)
    await seller.flip(/Black camera/)
    await ada.page.locator('[data-phase="camera_off"]').first().waitFor()
    await seller.flip(/Black camera/)
    await videoPlays(ada.page)
    await seller.togglePanel()

    say('the seller reloads the page, and hosts again')
    await seller.page.reload()
    await seller.key('Host from here')
    await seller.key('Drawn picture')
    await seller.key('Start the preview')
    await seller.key('Go live')
    await seller.page.getByRole('button', { name: 'Pause' }).waitFor()
    await ada.page.locator('[data-phase="playing"]').first().waitFor()
    for (const buyer of [ada, ben]) await videoPlays(buyer.page)

    say('another device of the seller takes over, and the first takes it back')
    const other = await enter('seller', { viewport: DESK, refusesCamera: true })
    await other.openAuction(TITLE)
    await other.key('Host from here')
    await other.key('Start the preview')
    await other.page.locator('[data-phase="permission_denied"]').first().waitFor()
    findings.push(...(await checkScreen(other, 'camera refused')))
    await seller.page.locator('[data-phase="taken_over"]').first().waitFor()
    findings.push(...(await checkScreen(seller, 'taken over')))
    await seller.key('Host from here')
    await seller.page.getByRole('button', { name: 'Pause' }).waitFor()
    await other.context.close()
    await ada.page.locator('[data-phase="playing"]').first().waitFor()
    for (const buyer of [ada, ben]) await videoPlays(buyer.page)

    say('a buyer writes before her slow join is answered, and is banned')
    const cleo = await enter('cleo')
    await cleo.page.route(/join_stream/, async (route) => {
        await pause(2_000)
        await route.continue()
    })
    await cleo.openAuction(TITLE)
    await cleo.say('Buy at my shop instead')
    await seller.reads('at my shop instead')
    await videoPlays(cleo.page)
    await actOn(seller, 'at my shop instead', /^Ban cleo/)
    await cleo.page.locator('[data-phase="failed"]').first().waitFor()
    findings.push(...(await checkScreen(cleo, 'failed')))
    await cleo.context.close()

    say('thirty messages a second')
    const userIds = await Promise.all(people.map(idOf))
    const measured = await measureFlood(browser, [ada, ben], { url, serviceKey, sessionId, userIds }, find)

    say('the auction ends')
    await seller.key('End')
    await seller.page.getByRole('dialog').waitFor()
    findings.push(...(await checkScreen(seller, 'end')))
    await seller.key('End the auction')
    for (const person of people) {
        await person.page.getByRole('region', { name: 'Summary' }).waitFor()
        findings.push(...(await checkScreen(person, `summary of ${person.name}`)))
    }
    await ben.page.getByText('It is yours.').waitFor()
    await ada.page.getByText('Sold to ben.').waitFor()
    for (const person of everybody) for (const trouble of person.troubles) find(person.name, trouble)
    console.log(JSON.stringify({ findings, measured }))
} catch (error) {
    for (const person of everybody) say(await person.describe())
    throw error
} finally {
    await browser.close()
}

async function sessionOf(person: Person): Promise<string> {
    const session = await person.page.locator('[data-session]').first().getAttribute('data-session')
    if (session === null) throw new Error('no stream is shown')
    return session
}

async function idOf(person: Person): Promise<string> {
    return person.page.evaluate(() => {
        const key = Object.keys(sessionStorage).find((one) => one.startsWith('saleroom-session-')) ?? ''
        const session = JSON.parse(sessionStorage.getItem(key) ?? '{}') as { user?: { id?: string } }
        return session.user?.id ?? ''
    })
}

/** Chooses a message with the arrow keys, opens its actions with Enter, and takes one. */
async function actOn(person: Person, text: string, action: string | RegExp): Promise<void> {
    const { page } = person
    const row = page.getByRole('log').locator('.row-user', { hasText: text })
    await page.getByRole('log').focus()
    for (let steps = 0; steps < 60; steps++) {
        await page.keyboard.press('ArrowUp')
        if (await hasFocus(row)) break
    }
    if (!(await hasFocus(row))) throw new Error(`the arrow keys never reach '${text}'`)
    await page.keyboard.press('Enter')
    if (action === 'Pin') findings.push(...(await checkScreen(person, 'actions of a message')))
    await page.getByRole('dialog').getByRole('button', { name: action }).focus()
    await page.keyboard.press('Enter')
}

function hasFocus(row: Locator): Promise<boolean> {
    return row.evaluate((element) => element.contains(document.activeElement))
}
