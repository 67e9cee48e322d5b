/** The callbacks of react-native-agora in the viewer's words: senders, pictures, devices, the network. */

import { expect, test } from 'vitest'
import { CONNECTION, joined } from './native_bench.ts'

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
