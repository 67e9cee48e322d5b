/** Amounts and times as people read them. */

const WHOLE = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR', maximumFractionDigits: 0 })
const EXACT = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })

export function money(cents: number): string {
    return (cents % 100 === 0 ? WHOLE : EXACT).format(cents / 100)
}

/** Cents of what somebody typed, such as 1,250 or 99.50; null where it is no amount. */
export function centsOf(text: string): number | null {
    const plain = text.replace(/[€\s,]/g, '')
    return /^\d{1,9}(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : null
}

export function duration(ms: number): string {
    const seconds = Math.round(ms / 1000)
    if (seconds < 60) return `${seconds} s`
    const minutes = Math.floor(seconds / 60)
    if (minutes < 60) return `${minutes} min ${seconds % 60} s`
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export const count = new Intl.NumberFormat('en')

/** Milliseconds while they are few, seconds above. */
export function shortTime(ms: number): string {
    return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
