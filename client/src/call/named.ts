/** The one place where the database's names become the client's: camelCase members, instants as dates. */

import { INSTANTS, OPAQUE } from '../contract/members.ts'

/** A member's name in the client: `host_uid` is `hostUid`. */
export function camelCase(name: string): string {
    return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * A value of the wire in the client's form. `Named` is the interface of the same name in `contract/named.ts`; members that
 * this client does not know are renamed too, and what belongs to the application keeps its names.
 */
export function named<Named>(wire: unknown): Named {
    return convert(wire) as Named
}

function convert(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(convert)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
        Object.entries(value).map(([name, member]: [string, unknown]) => [camelCase(name), convertMember(name, member)])
    )
}

/** A text of the wire as a date. */
export function instant(text: string | null): Date | null {
    return text === null ? null : new Date(text)
}

function convertMember(name: string, value: unknown): unknown {
    if (OPAQUE.test(name)) return value
    if (INSTANTS.test(name) && typeof value === 'string') return new Date(value)
    return convert(value)
}
