/**
 * Builds tokens with Agora's own builder, and tells what each costs and holds.
 *
 * Argument: {appId, certificate, channel, uid, expiresInS, warmUp, count}.
 * Answer: {cpuUs: CPU time of one token in microseconds}.
 */

import { createRequire } from 'node:module'

const requireOfDemo = createRequire(new URL('../../client/scripted_demo/package.json', import.meta.url))
const { RtcRole, RtcTokenBuilder } = requireOfDemo('agora-token')

const { appId, certificate, channel, uid, expiresInS, warmUp, count } = JSON.parse(process.argv[2])

const build = () =>
    RtcTokenBuilder.buildTokenWithUid(appId, certificate, channel, uid, RtcRole.PUBLISHER, expiresInS, expiresInS)

for (let built = 0; built < warmUp; built += 1) build()
const before = process.cpuUsage()
let characters = 0
for (let built = 0; built < count; built += 1) characters += build().length
const { user, system } = process.cpuUsage(before)
if (characters < 100 * count) throw new Error('the builder built nothing')
process.stdout.write(JSON.stringify({ cpuUs: (user + system) / count }))
