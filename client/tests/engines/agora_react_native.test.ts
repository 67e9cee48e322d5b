/** The engine over react-native-agora: the order of its calls, one join at a time, tokens, and its end. */

import { expect, test } from 'vitest'
import { CONNECTION, joined, outcome, STATS, settled, start } from './native_bench.ts'

test('video is enabled before the join, and nothing is received or sent that was not asked for', async () => {
    const { sdk } = await joined()
    const names = sdk.names()
    expect(names.indexOf('enableVideo')).toBeGreaterThan(names.indexOf('initialize'))
    expect(names.indexOf('joinChannel')).toBeGreaterThan(names.indexOf('enableVideo'))
    expect(sdk.options).toMatchObject({
        clientRoleType: 2,
        channelProfile: 1,
        autoSubscribeVideo: false,
        autoSubscribeAudio: false,
        publishCameraTrack: false,
        publishMicrophoneTrack: false,
    })
    expect(names).not.toContain('setDualStreamMode')
})

test('a host sends both streams from the beginning', async () => {
    const { sdk, engine } = await joined('host')
    expect(sdk.calls).toContain('setDualStreamMode(1)')
    expect(sdk.options.clientRoleType).toBe(1)
    await engine.publish()
    expect(sdk.calls.at(-1)).toBe(
        'updateChannelMediaOptions({"publishCameraTrack":true,"publishMicrophoneTrack":true})'
    )
})

test('a buyer cannot publish', async () => {
    const { engine } = await joined()
    await expect(engine.publish()).rejects.toMatchObject({ reason: 'refused' })
})

test('a join settles by its callback alone', async () => {
    const { sdk, join } = start()
    const now = outcome(join())
    await settled()
    expect(now()).toBe('pending')
    sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await settled()
    expect(now()).toBe('resolved')
})

test('an aborted join leaves, and the next one waits until the SDK has left', async () => {
    const { sdk, join } = start()
    const abort = new AbortController()
    const first = outcome(join('audience', abort))
    await settled()
    abort.abort()
    const second = outcome(join())
    await settled()
    expect(first()).toBe('aborted')
    expect(sdk.names().filter((name) => name === 'leaveChannel')).toHaveLength(1)
    expect(sdk.names().filter((name) => name === 'joinChannel')).toHaveLength(1)
    sdk.say.onLeaveChannel(CONNECTION, STATS)
    await settled()
    expect(sdk.names().filter((name) => name === 'joinChannel')).toHaveLength(2)
    sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await settled()
    expect(second()).toBe('resolved')
})

test('a leave that is never confirmed ends after two seconds', async () => {
    const { engine, clock } = await joined()
    const now = outcome(engine.leave())
    await settled()
    expect(now()).toBe('pending')
    await clock.advance(2_000)
    await settled()
    expect(now()).toBe('resolved')
})

test.each([
    [-17, 'join_failed'],
    [-110, 'token_invalid'],
    [-109, 'token_expired'],
    [-102, 'refused'],
    [-7, 'error'],
])('a join that returns %i is refused as %s', async (code, reason) => {
    const { sdk, join } = start()
    sdk.codes.joinChannel = code
    await expect(join()).rejects.toMatchObject({ reason, code })
})

test.each([
    [8, 'token_invalid'],
    [9, 'token_expired'],
    [3, 'banned'],
    [19, 'taken_over'],
    [4, 'join_failed'],
    [10, 'refused'],
])('a connection that fails for reason %i ends the join as %s', async (number, reason) => {
    const { sdk, join, last } = start()
    const now = outcome(join())
    await settled()
    sdk.say.onConnectionStateChanged(CONNECTION, 5, number)
    await settled()
    expect(now()).toBe(reason)
    expect(last('connection')).toEqual({ state: 'failed', reason })
})

test('a connection that is interrupted and found again is told', async () => {
    const { sdk, last } = await joined()
    sdk.say.onConnectionStateChanged(CONNECTION, 4, 2)
    expect(last('connection')).toEqual({ state: 'reconnecting', reason: 'interrupted' })
    sdk.say.onConnectionLost(CONNECTION)
    expect(last('connection')).toEqual({ state: 'reconnecting', reason: 'lost' })
    sdk.say.onConnectionStateChanged(CONNECTION, 3, 15)
    expect(last('connection')).toEqual({ state: 'connected', reason: 'rejoined' })
})

test.each([
    [0, 'resolved'],
    [1, 'error'],
    [2, 'token_expired'],
    [3, 'token_invalid'],
    [4, 'token_invalid'],
    [5, 'token_invalid'],
    [6, 'resolved'],
])('a renewal whose result is %i', async (code, expected) => {
    const { sdk, engine } = await joined()
    const now = outcome(engine.renewToken('newer'))
    await settled()
    expect(now()).toBe('pending')
    sdk.say.onRenewTokenResult(CONNECTION, 'newer', code)
    await settled()
    expect(now()).toBe(expected)
})

test.each([
    [-2, 'token_invalid'],
    [-110, 'token_invalid'],
    [-7, 'error'],
])('a renewal that returns %i is refused at once', async (code, reason) => {
    const { sdk, engine } = await joined()
    sdk.codes.renewToken = code
    await expect(engine.renewToken('newer')).rejects.toMatchObject({ reason, code })
})

test('a renewal of which an older SDK tells nothing counts as taken', async () => {
    const { engine, clock } = await joined()
    const now = outcome(engine.renewToken('newer'))
    await clock.advance(5_000)
    await settled()
    expect(now()).toBe('resolved')
})

test('a token that runs out is told before and at its end', async () => {
    const { sdk, told } = await joined()
    sdk.say.onTokenPrivilegeWillExpire(CONNECTION, 'token')
    sdk.say.onRequestToken(CONNECTION)
    expect(told.map(([name]) => name).slice(-2)).toEqual(['tokenWillExpire', 'tokenExpired'])
})

test('the audio route is the default before a join and changes after it', async () => {
    const { sdk, engine } = start()
    await engine.setAudioRoute('earpiece')
    expect(sdk.calls.at(-1)).toBe('setDefaultAudioRouteToSpeakerphone(false)')
    const bench = await joined()
    await bench.engine.setAudioRoute('speaker')
    expect(bench.sdk.calls.at(-1)).toBe('setEnableSpeakerphone(true)')
})

test('a disposed engine has left, listens to nothing and makes no other', async () => {
    const { sdk, engine, clock, join } = await joined('host')
    const disposed = outcome(engine.dispose())
    await settled()
    sdk.say.onLeaveChannel(CONNECTION, STATS)
    await settled()
    expect(disposed()).toBe('resolved')
    expect(sdk.handlers).toEqual([])
    expect(sdk.names().at(-1)).toBe('release')
    await join()
    await engine.startPreview()
    await engine.setCamera(true)
    expect(sdk.enginesMade).toBe(1)
    expect(clock.pending).toBe(0)
})
