/**
 * Reads tokens with Agora's own code, and builds contents for the same requests.
 *
 * Argument: [{token, appId, certificate, otherCertificate, channel, uid, publishes, issuedAt, expiresInS, salt}]. Answer: [{parsed, isSigned, isSignedByOther, builtHex, givenHex}], the last two inflated.
 */

import { createRequire } from 'node:module'
import { inflateSync } from 'node:zlib'

const requireOfDemo = createRequire(new URL('../../client/scripted_demo/package.json', import.meta.url))
const { AccessToken2, ServiceRtc } = requireOfDemo('agora-token/src/AccessToken2')

const inflated = (/** @type {string} */ token) => inflateSync(Buffer.from(token.slice(3), 'base64')).toString('hex')

/** @param {any} request */
function built(request) {
    const { appId, certificate, channel, uid, publishes, issuedAt, expiresInS, salt } = request
    const token = new AccessToken2(appId, certificate, issuedAt, expiresInS)
    token.salt = salt
    const rtc = new ServiceRtc(channel, uid)
    const ids = [ServiceRtc.kPrivilegeJoinChannel]
    if (publishes) {
        ids.push(
            ServiceRtc.kPrivilegePublishAudioStream,
            ServiceRtc.kPrivilegePublishVideoStream,
            ServiceRtc.kPrivilegePublishDataStream
        )
    }
    for (const id of ids) rtc.add_privilege(id, expiresInS)
    token.add_service(rtc)
    return token.build()
}

/** @param {any} request */
function judge(request) {
    const parser = new AccessToken2('', '', 0, 0)
    if (!parser.from_string(request.token)) return { parsed: null }
    const services = parser.services.map((/** @type {any} */ service) => ({
        type: service.service_type(),
        privileges: service.__privileges,
        channel: service.__channel_name === undefined ? null : String(service.__channel_name),
        user: String(service.__uid ?? service.__user_id),
    }))
    return {
        parsed: {
            appId: String(parser.appId),
            issuedAt: parser.issueTs,
            expiresInS: parser.expire,
            salt: parser.salt,
            services,
        },
        isSigned: parser.verifySignature(request.certificate),
        isSignedByOther: parser.verifySignature(request.otherCertificate),
        builtHex: inflated(built(request)),
        givenHex: inflated(request.token),
    }
}

const requests = JSON.parse(process.argv[2])
process.stdout.write(JSON.stringify(requests.map(judge)))
