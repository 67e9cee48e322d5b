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
    const text = hex.join('')
    return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20, 32)].join('-')
}

/** Hermes has no Web Crypto unless the app installs one; ids need to be unlike each other, not secret. */
export const systemRandom: Random = {
    next: () => Math.random(),
    uuid() {
        const bytes = new Uint8Array(16)
        const source = globalThis.crypto
        if (typeof source?.getRandomValues === 'function') source.getRandomValues(bytes)
        else for (let index = 0; index < 16; index++) bytes[index] = Math.floor(Math.random() * 256)
        return uuidOf(bytes)
    },
}
