/** Checks that every token lets its holder into this channel, as this user, with these rights and no more. */

import { instantMs } from '../clock.mjs'
import { PUBLISHER_PRIVILEGES, RTC_SERVICE, SUBSCRIBER_PRIVILEGES } from '../tokens.mjs'
import { finding } from './finding.mjs'

/**
 * @typedef {import('../record.mjs').Run} Run
 * @typedef {import('../record.mjs').StreamSession} StreamSession
 * @typedef {import('../record.mjs').ParticipantRecord} ParticipantRecord
 * @typedef {import('./finding.mjs').Finding} Finding
 */

/** Agora's limit; also the range that Postgres integer and Agora's strictest text share. */
const MAX_UID = 2 ** 31 - 1
const MAX_LIFE_S = 86_400
/** expires_at may be rounded to another second than the token's own fields. */
const EXPIRY_SLACK_S = 1

/** @param {Run} run @param {StreamSession} session @returns {Finding[]} */
export function checkTokens(run, session) {
    return [...run.participants.flatMap((participant) => checkToken(run, session, participant)), ...checkDistinct(run)]
}

/** @param {Run} run @param {StreamSession} session @param {ParticipantRecord} participant @returns {Finding[]} */
function checkToken(run, session, { name, role, token, lease_uid }) {
    if (token === null) return [finding('token_undecodable', name, 'got no token')]
    const { granted, decoded } = token
    if (decoded === null) return [finding('token_undecodable', name, "Agora's parser refuses the token")]

    /** @type {Finding[]} */
    const findings = []
    /** @param {import('./finding.mjs').FindingKind} kind @param {string} what @param {unknown} is @param {unknown} expected */
    const compare = (kind, what, is, expected) => {
        if (String(is) === String(expected)) return
        findings.push(finding(kind, name, `${what} is ${is}, expected ${expected}`))
    }
    const isPublisher = role === 'seller'
    compare('token_app', 'app id', decoded.app_id, run.app_id)
    compare('token_channel', 'channel', decoded.channel, session.channel_id)
    compare('token_channel', 'granted channel_id', granted.channel_id, session.channel_id)
    compare('token_uid', 'uid', decoded.uid, granted.uid)
    compare('token_uid', 'granted uid', granted.uid, isPublisher ? session.host_uid : lease_uid)
    if (!Number.isInteger(granted.uid) || granted.uid < 1 || granted.uid > MAX_UID) {
        findings.push(finding('token_uid', name, `uid ${granted.uid} is outside 1..${MAX_UID}`))
    }
    compare('token_privileges', 'services', decoded.services, [RTC_SERVICE])
    const privileges = isPublisher ? PUBLISHER_PRIVILEGES : SUBSCRIBER_PRIVILEGES
    compare('token_privileges', 'privileges', Object.keys(decoded.privileges), privileges)
    compare('token_privileges', 'can_publish', granted.privileges?.can_publish, isPublisher)
    compare('token_privileges', 'can_subscribe', granted.privileges?.can_subscribe, true)
    compare('token_privileges', 'can_admin', granted.privileges?.can_admin, isPublisher)

    // Only with equal lives does the SDK's expiry callback fire dependably.
    for (const [privilege, expiresInS] of Object.entries(decoded.privileges)) {
        compare('token_expiry', `life of privilege ${privilege}`, expiresInS, decoded.expires_in_s)
    }
    if (!(decoded.expires_in_s > 0 && decoded.expires_in_s <= MAX_LIFE_S)) {
        findings.push(finding('token_expiry', name, `lives ${decoded.expires_in_s} s, expected 1..${MAX_LIFE_S}`))
    }
    const expiresAtS = decoded.issued_at_s + decoded.expires_in_s
    if (!(Math.abs(instantMs(granted.expires_at) / 1000 - expiresAtS) <= EXPIRY_SLACK_S)) {
        const expected = new Date(expiresAtS * 1000).toISOString()
        findings.push(finding('token_expiry', name, `expires_at is ${granted.expires_at}, the token says ${expected}`))
    }
    return findings
}

/** @param {Run} run @returns {Finding[]} */
function checkDistinct(run) {
    /** @type {Map<string, string[]>} */
    const holders = new Map()
    for (const { name, token } of run.participants) {
        if (token?.decoded) holders.set(token.decoded.uid, [...(holders.get(token.decoded.uid) ?? []), name])
    }
    return [...holders]
        .filter(([, names]) => names.length > 1)
        .map(([uid, names]) => finding('uid_shared', names.join(', '), `share the uid ${uid}`))
}
