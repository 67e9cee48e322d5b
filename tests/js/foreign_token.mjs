/**
 * A token of an application's own server, from Agora's builder: RTC for a string account, and the login to RTM.
 *
 * Argument: {appId, certificate, channel, account, rtmUser, issuedAt, expiresInS, audioS}. Answer: {token}.
 */

import { createRequire } from 'node:module'

const requireOfDemo = createRequire(new URL('../../client/scripted_demo/package.json', import.meta.url))
const { AccessToken2, ServiceRtc, ServiceRtm } = requireOfDemo('agora-token/src/AccessToken2')

const { appId, certificate, channel, account, rtmUser, issuedAt, expiresInS, audioS } = JSON.parse(process.argv[2])

const token = new AccessToken2(appId, certificate, issuedAt, expiresInS)
const rtc = new ServiceRtc(channel, account)
rtc.add_privilege(ServiceRtc.kPrivilegeJoinChannel, expiresInS)
rtc.add_privilege(ServiceRtc.kPrivilegePublishAudioStream, audioS)
token.add_service(rtc)
const rtm = new ServiceRtm(rtmUser)
rtm.add_privilege(ServiceRtm.kPrivilegeLogin, expiresInS)
token.add_service(rtm)
process.stdout.write(JSON.stringify({ token: token.build() }))
