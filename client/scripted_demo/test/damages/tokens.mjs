/** Tokens that grant the wrong channel, or more than they should. */

import { participantOf } from '../recorded_run.mjs'

/**
 * @typedef {import('./damage.mjs').Damage} Damage
 * @typedef {import('./damage.mjs').GoodRun} GoodRun
 */

/** @type {Damage[]} */
export const TOKENS_DAMAGES = [
    {
        name: 'a missing token',
        damage: (run) => {
            participantOf(run, 'ben').token = null
        },
        kinds: ['token_undecodable'],
        who: 'ben',
    },
    {
        name: 'a token that the official parser refuses',
        damage: (run) => {
            participantOf(run, 'ben').token = { granted: grantOf(run, 'ben').granted, decoded: null }
        },
        kinds: ['token_undecodable'],
        who: 'ben',
    },
    {
        name: 'a token of another app',
        damage: (run) => {
            grantOf(run, 'ben').decoded.app_id = 'f'.repeat(32)
        },
        kinds: ['token_app'],
        who: 'ben',
    },
    {
        name: 'a token for another channel',
        damage: (run) => {
            grantOf(run, 'ben').decoded.channel += '-2'
        },
        kinds: ['token_channel'],
        who: 'ben',
    },
    {
        name: 'a token for every channel',
        damage: (run) => {
            grantOf(run, 'ben').decoded.channel = ''
        },
        kinds: ['token_channel'],
        who: 'ben',
    },
    {
        name: 'a token for another uid than granted',
        damage: (run) => {
            grantOf(run, 'ben').decoded.uid = '77'
        },
        kinds: ['token_uid'],
        who: 'ben',
    },
    {
        name: 'a token for every uid',
        damage: (run) => {
            grantOf(run, 'ben').decoded.uid = ''
        },
        kinds: ['token_uid'],
        who: 'ben',
    },
    {
        name: 'another uid than promised at the join',
        damage: (run) => {
            participantOf(run, 'ben').lease_uid = 77
        },
        kinds: ['token_uid'],
        who: 'ben',
    },
    {
        name: "a seller's uid that is not the host's",
        damage: (run) => {
            const { granted, decoded } = grantOf(run, 'seller')
            granted.uid = 77
            decoded.uid = '77'
        },
        kinds: ['token_uid'],
        who: 'seller',
    },
    {
        name: 'a buyer who may publish video',
        damage: (run) => {
            const { decoded } = grantOf(run, 'ben')
            decoded.privileges['3'] = decoded.expires_in_s
        },
        kinds: ['token_privileges'],
        who: 'ben',
    },
    {
        name: 'a seller who may not publish data',
        damage: (run) => {
            delete grantOf(run, 'seller').decoded.privileges['4']
        },
        kinds: ['token_privileges'],
        who: 'seller',
    },
    {
        name: 'a grant that says more than the token',
        damage: (run) => {
            grantOf(run, 'ben').granted.privileges.can_publish = true
        },
        kinds: ['token_privileges'],
        who: 'ben',
    },
    {
        name: 'a second service in the token',
        damage: (run) => {
            grantOf(run, 'ben').decoded.services.push(2)
        },
        kinds: ['token_privileges'],
        who: 'ben',
    },
    {
        name: 'a privilege that ends before its token',
        damage: (run) => {
            grantOf(run, 'ben').decoded.privileges['1'] -= 60
        },
        kinds: ['token_expiry'],
        who: 'ben',
    },
    {
        name: 'an expiry that is not the one in the token',
        damage: (run) => {
            grantOf(run, 'ben').granted.expires_at = '2999-01-01T00:00:00+00:00'
        },
        kinds: ['token_expiry'],
        who: 'ben',
    },
    {
        name: 'two participants with one uid',
        damage: (run) => {
            const { granted, decoded } = grantOf(run, 'ben')
            granted.uid = grantOf(run, 'ada').granted.uid
            decoded.uid = grantOf(run, 'ada').decoded.uid
            participantOf(run, 'ben').lease_uid = granted.uid
        },
        kinds: ['uid_shared'],
        who: 'ada, ben',
    },
]

/** @param {GoodRun} run @param {string} name */
function grantOf(run, name) {
    const { token } = participantOf(run, name)
    if (!token?.decoded) throw new Error(`no token of ${name} in the recorded run`)
    return { granted: token.granted, decoded: token.decoded }
}
