/** Agora tokens of version 007, minted as the product does: for lives and uids that the product would not give. */

import { createHmac, randomInt } from 'node:crypto'
import { deflateSync } from 'node:zlib'

/** The App ID and the certificate of the stack under test. */
export interface AgoraKeys {
    appId: string
    certificate: string
}

export interface TokenContent {
    channel: string
    uid: number
    canPublish: boolean
    lifeSeconds: number
}

const RTC_SERVICE = 1
const PUBLISHER = [1, 2, 3, 4]
const SUBSCRIBER = [1]

export function mintToken({ appId, certificate }: AgoraKeys, content: TokenContent): string {
    const issuedAt = u32(Math.floor(Date.now() / 1_000))
    const salt = u32(randomInt(1, 99_999_999))
    const privileges = content.canPublish ? PUBLISHER : SUBSCRIBER
    const signed = Buffer.concat([
        text(appId),
        issuedAt,
        u32(content.lifeSeconds),
        salt,
        u16(1),
        u16(RTC_SERVICE),
        u16(privileges.length),
        ...privileges.flatMap((privilege) => [u16(privilege), u32(content.lifeSeconds)]),
        text(content.channel),
        text(String(content.uid)),
    ])
    const key = hmac(salt, hmac(issuedAt, Buffer.from(certificate)))
    const signature = hmac(key, signed)
    const packed = deflateSync(Buffer.concat([u16(signature.length), signature, signed]))
    return `007${packed.toString('base64')}`
}

function hmac(key: Buffer, message: Buffer): Buffer {
    return createHmac('sha256', key).update(message).digest()
}

function text(value: string): Buffer {
    const bytes = Buffer.from(value)
    return Buffer.concat([u16(bytes.length), bytes])
}

function u16(value: number): Buffer {
    const bytes = Buffer.alloc(2)
    bytes.writeUInt16LE(value)
    return bytes
}

function u32(value: number): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
}
