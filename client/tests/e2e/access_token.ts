/** Access tokens of a user that run out after seconds, where the secret that signs them is known. */

import { createHmac } from 'node:crypto'

export interface Claims {
    sub: string
    [name: string]: unknown
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Claims {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims
}

export class ShortTokens {
    readonly #secret: string
    readonly #claims: Claims
    readonly #lifeMs: number
    #token = ''
    #endsAt = 0
    made = 0

    constructor(secret: string, claims: Claims, lifeMs: number) {
        this.#secret = secret
        this.#claims = claims
        this.#lifeMs = lifeMs
    }

    /** As supabase-js renews one: the same token until it has run out. */
    get(): string {
        if (Date.now() >= this.#endsAt) {
            this.made++
            this.#endsAt = Date.now() + this.#lifeMs
            const now = Math.floor(Date.now() / 1000)
            this.#token = this.#sign({ ...this.#claims, iat: now, exp: Math.ceil(this.#endsAt / 1000) })
        }
        return this.#token
    }

    #sign(claims: object): string {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
        const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
        return `${signed}.${createHmac('sha256', this.#secret).update(signed).digest('base64url')}`
    }
}
