/**
 * Signs a notice as Agora does, by Node's own HMAC, which shares no code with the service.
 *
 * Argument: {secret, body}; answer: {v2, v1}, what the two headers hold.
 */

import { createHmac } from 'node:crypto'

const { secret, body } = JSON.parse(process.argv[2])

/** @param {string} hash */
const sign = (hash) => createHmac(hash, secret).update(body, 'utf8').digest('hex')

process.stdout.write(JSON.stringify({ v2: sign('sha256'), v1: sign('sha1') }))
