/** The engine over react-native-agora: order of calls, one join at a time, and every callback in the viewer's words. */

import { expect, test } from 'vitest'
import { AgoraReactNativeEngine } from '../../src/engines/agora_react_native/agora_react_native_engine.ts'
import type { VideoEngineEvents, VideoRole } from '../../src/viewer/video_engine.ts'
import { FakeClock } from '../fakes/fake_clock.ts'
import { FakeAgoraNative } from './fake_agora_native.ts'

const CONNECTION = { channelId: 'channel', localUid: 7 }
const STATS = {}

function start() {
    const sdk = new FakeAgoraNative()
    const clock = new FakeClock()
    const engine = new AgoraReactNativeEngine({ agora: sdk, appId: 'app', clock })
    const told: [string, unknown][] = []
    const names: (keyof VideoEngineEvents)[] = [
        'connection',
        'remoteJoined',
        'remoteLeft',
        'remoteVideo',
        'remoteAudio',
        'frame',
        'size',
        'tokenWillExpire',
        'tokenExpired',
        'quality',
        'local',
    ]
    for (const name of names) engine.on(name, (event) => told.push([name, event]))
    const join = (role: VideoRole = 'audience', abort: AbortController = new AbortController()) =>
        engine.join({ channelId: 'channel', token: 'token', uid: 7, role, signal: abort.signal })
    /** The words of the last event of a name. */
    const last = (name: string) => told.filter(([known]) => known === name).at(-1)?.[1]
    return { sdk, clock, engine, told, join, last }
}

async function joined(role: VideoRole = 'audience') {
    const bench = start()
    const join = bench.join(role)
    await settled()
    bench.sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await join
    return bench
}

/** Everything that needs no time has happened. */
async function settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

/** The outcome of a call now: pending, resolved, or the reason of its refusal. */
function outcome(work: Promise<unknown>): () => string {
    let now = 'pending'
    work.then(
        () => {
            now = 'resolved'
        },
        (error: { reason?: string }) => {
            now = error.reason ?? String(error)
        }
    )
    return () => now
}

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

test('a sender comes, is subscribed with its layer and volume, and goes', async () => {
    const { sdk, engine, last } = await joined()
    sdk.say.onUserJoined(CONNECTION, 1_000_001, 1)
    expect(last('remoteJoined')).toEqual({ uid: 1_000_001 })
    await engine.subscribe(1_000_001)
    await engine.setLayer(1_000_001, 'low')
    engine.setVolume(1_000_001, 0)
    await engine.unsubscribe(1_000_001)
    expect(sdk.calls.slice(-6)).toEqual([
        'muteRemoteAudioStream(1000001, false)',
        'muteRemoteVideoStream(1000001, false)',
        'setRemoteVideoStreamType(1000001, 1)',
        'adjustUserPlaybackSignalVolume(1000001, 0)',
        'muteRemoteAudioStream(1000001, true)',
        'muteRemoteVideoStream(1000001, true)',
    ])
    sdk.say.onUserOffline(CONNECTION, 1_000_001, 1)
    expect(last('remoteVideo')).toEqual({ uid: 1_000_001, state: 'stopped', reason: 'left' })
    expect(last('remoteLeft')).toEqual({ uid: 1_000_001 })
})

test.each([
    [0, 5, { state: 'stopped', reason: 'muted' }],
    [2, 6, { state: 'decoding', reason: 'unmuted' }],
    [0, 7, { state: 'stopped', reason: 'left' }],
    [3, 1, { state: 'frozen', reason: 'congestion' }],
    [2, 2, { state: 'decoding', reason: 'recovered' }],
    [0, 8, { state: 'stopped', reason: 'fallback' }],
    [0, 12, { state: 'stopped', reason: 'background' }],
    [4, 13, { state: 'failed', reason: 'codec' }],
    [1, 0, { state: 'starting', reason: 'unknown' }],
])('remote video in state %i for reason %i', async (state, reason, expected) => {
    const { sdk, last } = await joined()
    sdk.say.onRemoteVideoStateChanged(CONNECTION, 1, state, reason, 1)
    expect(last('remoteVideo')).toEqual({ uid: 1, ...expected })
})

test('what this device mutes itself is no news', async () => {
    const { sdk, told } = await joined()
    sdk.say.onRemoteVideoStateChanged(CONNECTION, 1, 0, 3, 1)
    sdk.say.onRemoteAudioStateChanged(CONNECTION, 1, 0, 3, 1)
    expect(told.filter(([name]) => name.startsWith('remote'))).toEqual([])
})

test('the first frame, and the size of a picture as it is drawn', async () => {
    const { sdk, last } = await joined()
    sdk.say.onFirstRemoteVideoFrame(CONNECTION, 1, 640, 360, 1)
    expect(last('frame')).toEqual({ uid: 1 })
    expect(last('size')).toEqual({ uid: 1, width: 640, height: 360 })
    sdk.say.onVideoSizeChanged(CONNECTION, 9, 1, 640, 360, 90)
    expect(last('size')).toEqual({ uid: 1, width: 360, height: 640 })
    sdk.say.onFirstLocalVideoFrame(0, 480, 640, 1)
    expect(last('frame')).toEqual({ uid: 0 })
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

test.each([
    [3, 2, 'denied'],
    [3, 3, 'interrupted'],
    [0, 6, 'interrupted'],
    [3, 7, 'interrupted'],
    [3, 14, 'interrupted'],
    [3, 4, 'failed'],
    [1, 0, 'live'],
    [0, 0, 'off'],
])('the own camera in state %i for reason %i is %s', async (state, reason, expected) => {
    const { sdk, last } = await joined('host')
    sdk.say.onLocalVideoStateChanged(0, state, reason)
    expect(last('local')).toEqual({ source: 'camera', state: expected })
})

test('a call interrupts the microphone, and a refusal names its device', async () => {
    const { sdk, last } = await joined('host')
    sdk.say.onLocalAudioStateChanged(CONNECTION, 3, 8)
    expect(last('local')).toEqual({ source: 'microphone', state: 'interrupted' })
    sdk.say.onLocalAudioStateChanged(CONNECTION, 1, 0)
    expect(last('local')).toEqual({ source: 'microphone', state: 'live' })
    sdk.say.onPermissionError(1)
    expect(last('local')).toEqual({ source: 'camera', state: 'denied' })
})

test('the network of an audience is its downlink, that of a host has both, and what is still detected is unknown', async () => {
    const { sdk, last } = await joined()
    sdk.say.onNetworkQuality(CONNECTION, 0, 2, 3)
    sdk.say.onNetworkQuality(CONNECTION, 99, 1, 1)
    sdk.say.onRtcStats(CONNECTION, { rxKBitRate: 900, rxPacketLossRate: 5, txKBitRate: 1 })
    expect(last('quality')).toEqual({ uplink: 0, downlink: 3, packetLoss: 0.05, bandwidth: 900 })
    const host = await joined('host')
    host.sdk.say.onNetworkQuality(CONNECTION, 0, 4, 8)
    host.sdk.say.onRtcStats(CONNECTION, { rxKBitRate: 1, txPacketLossRate: 10, txKBitRate: 700 })
    expect(host.last('quality')).toEqual({ uplink: 4, downlink: 0, packetLoss: 0.1, bandwidth: 700 })
    host.sdk.say.onNetworkQuality(CONNECTION, 0, 8, 1)
    host.sdk.say.onRtcStats(CONNECTION, {})
    expect(host.last('quality')).toMatchObject({ uplink: 0, downlink: 1 })
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
