/** Versions of the contract, `major.minor`. */

/** Whether version `one` comes before version `other`. */
export function isOlder(one: string, other: string): boolean {
    const [oneMajor = 0, oneMinor = 0] = one.split('.').map(Number)
    const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number)
    return oneMajor < otherMajor || (oneMajor === otherMajor && oneMinor < otherMinor)
}
