/** The signature of a notice, verified over its raw bytes in constant time. */

import { Refusal } from './refusal.ts'

/** HMAC-SHA256 over the raw body, in hexadecimal. */
const SIGNATURE_HEADER = 'agora-signature-v2'

/** The older one, HMAC-SHA1. Agora sends both; it is never enough. */
const SHA1_SIGNATURE_HEADER = 'agora-signature'

const SIGNATURE_BYTES = 32

/** The signature of a request. Refuses one that has none, of which nothing needs to be read. */
export function signatureOf(headers: Headers): Uint8Array<ArrayBuffer> {
    const text = headers.get(SIGNATURE_HEADER)
    if (text === null) {
        const isOutdated = headers.has(SHA1_SIGNATURE_HEADER)
        throw new Refusal(isOutdated ? 'webhook_signature_outdated' : 'webhook_signature_invalid')
    }
    // Two headers arrive as one with a comma in it.
    if (text.length !== 2 * SIGNATURE_BYTES || !/^[0-9a-fA-F]*$/.test(text)) {
        return new Uint8Array()
    }
    return Uint8Array.from({ length: SIGNATURE_BYTES }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16))
}

/** Refuses a body whose signature is none of these secrets'. All of them are tried, whichever is right. */
export async function verify(
    signature: Uint8Array<ArrayBuffer>,
    body: Uint8Array<ArrayBuffer>,
    secrets: readonly Uint8Array<ArrayBuffer>[]
): Promise<void> {
    let isValid = false
    for (const secret of secrets) {
        const hmac = { name: 'HMAC', hash: 'SHA-256' }
        const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['verify'])
        // Compares in constant time.
        const isRight = await crypto.subtle.verify('HMAC', key, signature, body)
        isValid = isValid || isRight
    }
    if (!isValid) {
        throw new Refusal('webhook_signature_invalid')
    }
}
