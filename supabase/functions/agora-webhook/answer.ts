/** The answer to a request: Agora wants status 200 and JSON, and sends the notice again otherwise. */

import { applyNotice } from './database.ts'
import { MAX_NOTICE_BYTES, parse } from './notice.ts'
import { problem, Refusal } from './refusal.ts'
import type { Settings } from './settings.ts'
import { signatureOf, verify } from './signature.ts'

export async function answer(request: Request, settings: Settings): Promise<Response> {
    const requestId = requestIdOf(request.headers)
    try {
        const result = await take(request, settings)
        const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-request-id': requestId }
        return new Response(result, { headers })
    } catch (error) {
        // What an unexpected error says may quote the request.
        const refusal = error instanceof Refusal ? error : new Refusal('internal', { reason: 'unexpected error' })
        if (refusal.status >= 500) {
            const { code, precision } = refusal
            console.error(JSON.stringify({ message: 'a notice was not taken', code, reason: precision.reason, request_id: requestId }))
        }
        return problem(refusal, requestId)
    }
}

/** The signature is of the bytes as they came, so nothing is parsed before it was found valid; without one, or without a secret to check it by, nothing is read either. */
async function take(request: Request, settings: Settings): Promise<string> {
    if (request.method !== 'POST') {
        throw new Refusal('route_not_found', { status: 405, detail: 'this route exists, but not for this method' })
    }
    if (settings.secrets.length === 0) {
        throw new Refusal('webhook_not_configured', { reason: 'AGORA_WEBHOOK_SECRET is not set' })
    }
    const signature = signatureOf(request.headers)
    const body = await read(request)
    await verify(signature, body, settings.secrets)
    const notice = parse(body)
    if (settings.project === null) {
        throw new Refusal('internal', { reason: 'SUPABASE_URL or the key of the service is not set' })
    }
    return await applyNotice(notice, settings.project)
}

async function read(request: Request): Promise<Uint8Array<ArrayBuffer>> {
    // A length that is announced is refused before its first byte.
    if (Number(request.headers.get('content-length')) > MAX_NOTICE_BYTES) {
        throw new Refusal('payload_too_large')
    }
    const body = new Uint8Array(MAX_NOTICE_BYTES)
    let length = 0
    for await (const chunk of request.body ?? []) {
        if (length + chunk.length > MAX_NOTICE_BYTES) {
            throw new Refusal('payload_too_large')
        }
        body.set(chunk, length)
        length += chunk.length
    }
    return body.slice(0, length)
}

/** The caller's id when it is well formed, else a new one. */
function requestIdOf(headers: Headers): string {
    const given = headers.get('x-request-id')
    return given !== null && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}
