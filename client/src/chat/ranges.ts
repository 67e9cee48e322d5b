/** Sets of numbers of a log as ascending ranges, first and last included, that neither overlap nor touch. */

export type Range = readonly [first: number, last: number]

export function withRange(ranges: readonly Range[], first: number, last: number): readonly Range[] {
    if (last < first) return ranges
    const before: Range[] = []
    const after: Range[] = []
    let [low, high] = [first, last]
    for (const range of ranges) {
        if (range[1] + 1 < first) before.push(range)
        else if (range[0] > last + 1) after.push(range)
        else [low, high] = [Math.min(low, range[0]), Math.max(high, range[1])]
    }
    return [...before, [low, high], ...after]
}

export function holds(ranges: readonly Range[], value: number): boolean {
    return ranges.some(([first, last]) => first <= value && value <= last)
}

/** How many numbers from `first` to `last` are in none of the ranges. */
export function countMissing(ranges: readonly Range[], first: number, last: number): number {
    let missing = Math.max(0, last - first + 1)
    for (const [low, high] of ranges) missing -= Math.max(0, Math.min(high, last) - Math.max(low, first) + 1)
    return missing
}
