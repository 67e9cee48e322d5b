/** The one place where the database's names become the client's: camelCase members, instants as dates. */

import { INSTANTS, OPAQUE } from '../contract/members.ts'

/**
 * A value of the wire in the client's form. `Named` is the interface of the same name in `contract/named.ts`; members that
 * this client does not know are renamed too, and what belongs to the application keeps its names.
 */
export function named<Named>(wire: unknown): Named
export function named(wire: unknown): unknown {
    if (Array.isArray(wire)) return wire.map(named)
    if (typeof wire !== 'object' || wire === null) return wire
    const members = Object.entries(wire).map(([name, member]: [string, unknown]) => {
        // `host_uid` is `hostUid`.
        const ownName = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
        if (OPAQUE.test(name)) return [ownName, member]
        const isInstant = INSTANTS.test(name) && typeof member === 'string'
        return [ownName, isInstant ? new Date(member) : named(member)]
    })
    return Object.fromEntries(members)
}

/** A text of the wire as a date. */
export function instant(text: string | null): Date | null {
    return text === null ? null : new Date(text)
}
