/** The oracle reads what Agora's own builder wrote. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import agora from 'agora-token'
import { PUBLISHER_PRIVILEGES, RTC_SERVICE, SUBSCRIBER_PRIVILEGES, decodeToken } from '../tokens.mjs'

const APP_ID = '0123456789abcdef0123456789ABCDEF'
const CERTIFICATE = 'fedcba9876543210fedcba9876543210'
const { RtcRole, RtcTokenBuilder } = agora

describe('decodeToken', () => {
    for (const [role, privileges] of /** @type {const} */ ([
        [RtcRole.PUBLISHER, PUBLISHER_PRIVILEGES],
        [RtcRole.SUBSCRIBER, SUBSCRIBER_PRIVILEGES],
    ])) {
        it(`reads every field of an official token with role ${role}`, () => {
            const token = RtcTokenBuilder.buildTokenWithUid(APP_ID, CERTIFICATE, 'room-1', 42, role, 3600, 3600)
            const decoded = decodeToken(token)
            assert.ok(decoded)
            const { issued_at_s, ...rest } = decoded
            assert.ok(Math.abs(issued_at_s - Date.now() / 1000) < 60)
            assert.deepEqual(rest, {
                app_id: APP_ID,
                expires_in_s: 3600,
                services: [RTC_SERVICE],
                channel: 'room-1',
                uid: '42',
                privileges: Object.fromEntries(privileges.map((privilege) => [privilege, 3600])),
            })
        })
    }

    it('refuses what is no token', () => {
        for (const text of ['', '006abc', '007', '007!!!!', '007AAAA']) assert.equal(decodeToken(text), null)
    })
})
