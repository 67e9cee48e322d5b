/** The randomness of jitter and ids; tests put their own in its place. */

export interface Random {
    /** From 0, included, to 1, excluded. */
    next(): number
    /** A UUID of version 4. */
    uuid(): string
}

/** A UUID of version 4 from 16 random bytes. */
export function uuidOf(bytes: ArrayLike<number>): string {
    const hex = Array.from(bytes, (byte, index) => {
        if (index === 6) return (byte & 0x0f) | 0x40
        if (index === 8) return (byte & 0x3f) | 0x80
        return byte
    }).map((byte) => byte.toString(16).padStart(2, '0'))
    return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
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
