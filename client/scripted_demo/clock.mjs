/** The present time, and the order of two server timestamps. */

/** Wall clock in milliseconds since 1970 with sub-millisecond digits, which Date.now() lacks. */
export function nowMs() {
    return performance.timeOrigin + performance.now()
}

/**
 * Microseconds since 1970 of a timestamptz as Postgres or JSON prints it; NaN when it is none. Date.parse alone keeps
 * milliseconds, too coarse to order messages. The result stays exact below 2^53 until the year 2255.
 * @param {unknown} text
 * @returns {number}
 */
export function instantMicros(text) {
    if (typeof text !== 'string') return NaN
    const parts = /^(.+?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)$/.exec(text.replace(' ', 'T'))
    if (!parts) return NaN
    const [, seconds, fraction = '', zone] = parts
    const offset = zone.length === 3 ? `${zone}:00` : zone
    return Date.parse(`${seconds}${offset}`) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}

/** @param {unknown} text @returns {number} milliseconds since 1970 with three decimals, NaN when it is no timestamp */
export function instantMs(text) {
    return instantMicros(text) / 1000
}
