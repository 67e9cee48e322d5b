/** Reading of tokens with Agora's own parser, so that the demo never judges our encoder with our decoder. */

import library from 'agora-token/src/AccessToken2.js'

/** @typedef {import('./record.mjs').DecodedToken} DecodedToken */

/**
 * The RTC service type and the privileges of its two roles, as in Agora's RtcTokenBuilder2.
 * @see https://docs.agora.io/en/video-calling/token-authentication/deploy-token-server
 */
export const RTC_SERVICE = 1
export const PUBLISHER_PRIVILEGES = Object.freeze([1, 2, 3, 4])
export const SUBSCRIBER_PRIVILEGES = Object.freeze([1])

/**
 * Decodes a 007 token; null when the official parser refuses it. The signature is not checked: the certificate never
 * leaves the server.
 * @param {string} token
 * @returns {DecodedToken | null}
 */
export function decodeToken(token) {
    const parser = new library.AccessToken2('', '', 0, 0)
    if (!parser.from_string(token)) return null
    const rtc = parser.services.find((service) => service.service_type() === RTC_SERVICE)
    return {
        app_id: String(parser.appId),
        issued_at_s: parser.issueTs,
        expires_in_s: parser.expire,
        services: parser.services.map((service) => service.service_type()),
        channel: String(rtc?.__channel_name ?? ''),
        uid: String(rtc?.__uid ?? ''),
        privileges: Object.fromEntries(
            Object.entries(rtc?.__privileges ?? {}).map(([id, expiresInS]) => [id, Number(expiresInS)])
        ),
    }
}
