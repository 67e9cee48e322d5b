/** Parsing of a notice, as something that anybody might have written: every field has bounds. */

import { Refusal } from './refusal.ts'

/** A genuine notice has some hundred bytes. */
export const MAX_NOTICE_BYTES = 16 * 1024

/** The channel of the test that Agora's console sends. */
const TEST_CHANNEL = 'test_webhook'

/** Agora's number of the product whose channels these are. */
const RTC = 1

const MAX_ID_BYTES = 64
/** Agora's own limit is 63 or 64, depending on the page. */
const MAX_CHANNEL_BYTES = 64
const MAX_INT4 = 2n ** 31n - 1n
const MAX_UINT4 = 2n ** 32n - 1n
const MAX_INT8 = 2n ** 63n - 1n
/** The end of the year 9999, in seconds. */
const MAX_TS = 253_402_300_799n

const EVENTS = [101, 102, 103, 104, 105, 106, 107, 108, 111, 112]

type Fields = Record<string, unknown>

/** The parsed fields, as the JSON in which the database parses them again. Unknown fields are left out; so is the payload of an unknown event. */
export function parse(body: Uint8Array): string {
    const notice = read(body)
    const productId = given(small(notice, 'productId'), 'productId')
    const eventType = given(small(notice, 'eventType'), 'eventType')
    const noticeId = text(notice, 'noticeId', MAX_ID_BYTES)
    const notifyMs = integer(notice, 'notifyMs', MAX_INT8)
    const payload = productId === BigInt(RTC) ? payloadOf(Number(eventType), notice) : undefined
    return written({ noticeId, productId, eventType, notifyMs, ...(payload && { payload }) })
}

function payloadOf(eventType: number, notice: Fields): Fields | undefined {
    if (!EVENTS.includes(eventType)) {
        return undefined
    }
    const payload = notice.payload
    if (!isObject(payload)) {
        throw malformed('payload')
    }
    const channelName = text(payload, 'channelName', MAX_CHANNEL_BYTES)
    // Its other fields are not worth a refusal: it would keep the configuration from being saved.
    if (channelName === TEST_CHANNEL) {
        return { channelName }
    }
    const ts = given(integer(payload, 'ts', MAX_TS), 'ts')
    if (eventType <= 102) {
        return { channelName, ts }
    }
    const uid = given(integer(payload, 'uid', MAX_UINT4), 'uid')
    const reason = small(payload, 'reason')
    const clientSeq = given(integer(payload, 'clientSeq', MAX_INT8), 'clientSeq')
    const duration = integer(payload, 'duration', MAX_INT8)
    const platform = small(payload, 'platform')
    const clientType = small(payload, 'clientType')
    return { channelName, ts, uid, clientSeq, reason, duration, platform, clientType }
}

function read(body: Uint8Array): Fields {
    try {
        const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
        const notice: unknown = JSON.parse(json, wholeNumbers)
        if (isObject(notice)) {
            return notice
        }
    } catch {
        // Answered below, whatever is wrong.
    }
    throw new Refusal('invalid_argument', { detail: 'the notice is not a JSON object' })
}

/** Whole numbers as they were written: a double has no room for all of them, and would make 1e3 and 1.0 whole ones. */
function wholeNumbers(_: string, value: unknown, context?: { source?: string }): unknown {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && /^(0|[1-9][0-9]*)$/.test(source) ? BigInt(source) : value
}

function isObject(value: unknown): value is Fields {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(field: string): Refusal {
    return new Refusal('invalid_argument', { field, detail: `${field} is missing or malformed` })
}

function given<T>(value: T | null, field: string): T {
    if (value === null) {
        throw malformed(field)
    }
    return value
}

function member(fields: Fields, name: string): unknown {
    return Object.hasOwn(fields, name) ? fields[name] : undefined
}

function integer(fields: Fields, name: string, max: bigint): bigint | null {
    const value = member(fields, name)
    if (value === undefined || value === null) {
        return null
    }
    if (typeof value !== 'bigint' || value > max) {
        throw malformed(name)
    }
    return value
}

function small(fields: Fields, name: string): bigint | null {
    return integer(fields, name, MAX_INT4)
}

/** Printable ASCII. */
function text(fields: Fields, name: string, maxBytes: number): string {
    const value = member(fields, name)
    if (typeof value !== 'string' || value.length > maxBytes || !/^[ -~]+$/.test(value)) {
        throw malformed(name)
    }
    return value
}

/** JSON in which whole numbers keep all their digits. */
function written(value: unknown): string {
    if (typeof value === 'bigint') {
        return value.toString()
    }
    if (isObject(value)) {
        const members = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${written(part)}`)
        return `{${members.join(',')}}`
    }
    return JSON.stringify(value)
}
