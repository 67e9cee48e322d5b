/** The randomness of jitter and ids; tests put their own in its place. */

export interface Random {
    /** From 0, included, to 1, excluded. */
    next(): number
    /** A UUID of version 4. */
    uuid(): string
}

/** A UUID of version 4 from 16 random bytes. */
export function uuidOf(bytes: ArrayLike<number>): string {
    const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('')
    // `4` is the version, and `a` one of the four digits with which a variant begins.
    return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})/, '$1-$2-4$3-a$4-')
}

/** Hermes has no Web Crypto unless the app installs one; ids need to be unlike each other, not secret. */
export const systemRandom: Random = {
    next: () => Math.random(),
    uuid() {
        const bytes = new Uint8Array(16)
        const source: Partial<Crypto> | undefined = globalThis.crypto
        return uuidOf(source?.getRandomValues?.(bytes) ?? bytes.map(() => Math.random() * 256))
    },
}
