/** A refusal of the fake server, with a code of the catalogue. */

export class FakeRefusal extends Error {
    readonly code: string
    readonly status: number
    readonly retryAfterMs: number | null

    constructor(code: string, status: number, retryAfterMs: number | null = null) {
        super(code)
        this.code = code
        this.status = status
        this.retryAfterMs = retryAfterMs
    }
}
