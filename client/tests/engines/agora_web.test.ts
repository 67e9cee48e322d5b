/** The engine over agora-rtc-sdk-ng where it needs a server: senders, layers, tokens, reasons. The rest is played with the real SDK in Chromium. */
// @vitest-environment jsdom

import { expect, test } from 'vitest'
import { AgoraWebEngine } from '../../src/engines/agora_web/agora_web_engine.ts'
import type { VideoEngineEvents } from '../../src/viewer/video_engine.ts'
import { FakeClock } from '../fakes/fake_clock.ts'
import { FakeAgoraWeb, type FakeUser } from './fake_agora_web.ts'

const NAMES: (keyof VideoEngineEvents)[] = [
    'connection',
    'remoteJoined',
    'remoteLeft',
    'remoteVideo',
    'remoteAudio',
    'tokenWillExpire',
    'tokenExpired',
    'quality',
    'audioBlocked',
]

async function joined() {
    const agora = new FakeAgoraWeb()
    const clock = new FakeClock()
    const engine = new AgoraWebEngine({ AgoraRTC: agora.sdk, appId: 'app', clock })
    const told: [string, unknown][] = []
    for (const name of NAMES) engine.on(name, (event) => told.push([name, event]))
    const abort = new AbortController()
    const join = () =>
        engine.join({ channelId: 'channel', token: 'token', uid: 7, role: 'audience', signal: abort.signal })
    await join()
    const last = (name: string) => told.filter(([known]) => known === name).at(-1)?.[1]
    return { agora, client: agora.client, clock, engine, told, last, join, abort }
}

function host(): FakeUser {
    return { uid: 1, hasVideo: false, hasAudio: false }
}

async function settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

test('an audience joins with its role, latency and uid', async () => {
    const { client } = await joined()
    expect(client.calls).toEqual(['setClientRole("audience", {"level":2})', 'join("app", "channel", "token", 7)'])
})

test('a host whose devices are off publishes nothing, and each device once it is on', async () => {
    const { client, engine, abort } = await joined()
    await engine.join({ channelId: 'channel', token: 'token', uid: 1, role: 'host', signal: abort.signal })
    await engine.startPreview()
    await engine.setCamera(false)
    await engine.setMicrophone(false)
    client.calls.length = 0
    await engine.publish()
    await engine.setMicrophone(true)
    await engine.setCamera(true)
    await engine.setCamera(true)
    expect(client.calls).toEqual(['enableDualStream()', 'publish(["microphone"])', 'publish(["camera"])'])
})

test('only a wanted sender is received, whether it was asked for before or after it published', async () => {
    const { client, engine, last, told } = await joined()
    const user = host()
    client.publishes(user, 'video', 'audio')
    await settled()
    expect(client.calls.filter((call) => call.startsWith('subscribe'))).toEqual([])
    expect(told.filter(([name]) => name === 'remoteJoined')).toEqual([['remoteJoined', { uid: 1 }]])
    client.say('user-joined', user)
    expect(told.filter(([name]) => name === 'remoteJoined')).toHaveLength(1)

    const view = document.createElement('div')
    engine.setView(1, view, { objectFit: 'cover', mirror: false })
    await engine.subscribe(1)
    expect(client.calls.filter((call) => call.startsWith('subscribe'))).toEqual([
        'subscribe(1, "video")',
        'subscribe(1, "audio")',
    ])
    expect(user.videoTrack?.isPlaying && view.querySelector('video') !== null).toBe(true)

    const later = { ...host(), uid: 2 }
    await engine.subscribe(2)
    client.publishes(later, 'video')
    await settled()
    expect(client.calls).toContain('subscribe(2, "video")')
    expect(last('remoteVideo')).toEqual({ uid: 2, state: 'starting', reason: 'unmuted' })
})

test('a camera that is off, and a sender that leaves, are told, and their picture is taken away', async () => {
    const { client, engine, last } = await joined()
    const user = host()
    await engine.subscribe(1)
    engine.setView(1, document.createElement('div'), { objectFit: 'cover', mirror: false })
    client.publishes(user, 'video', 'audio')
    await settled()
    const picture = user.videoTrack
    client.say('user-unpublished', user, 'video')
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'stopped', reason: 'muted' })
    expect(picture?.isPlaying).toBe(false)
    client.say('user-unpublished', user, 'audio')
    expect(last('remoteAudio')).toEqual({ uid: 1, isOn: false })
    client.say('user-left', user, 'ServerTimeOut')
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'stopped', reason: 'left' })
    expect(last('remoteLeft')).toEqual({ uid: 1 })
    // What the SDK says of a sender that has left brings no ghost of it.
    client.say('exception', { code: 3005, msg: '', uid: 1 })
    client.say('stream-fallback', 1, 'recover')
    client.say('user-unpublished', user, 'video')
    picture?.say('video-state-changed', 2)
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'stopped', reason: 'left' })
})

test('the low layer is asked for once there is a picture, with sound alone where even that is too much', async () => {
    const { client, engine } = await joined()
    await engine.setLayer(1, 'low')
    await engine.subscribe(1)
    client.publishes(host(), 'video')
    await settled()
    expect(client.calls.slice(-3)).toEqual([
        'subscribe(1, "video")',
        'setStreamFallbackOption(1, 2)',
        'setRemoteVideoStreamType(1, 1)',
    ])
})

test('a sender without layers is seen all the same', async () => {
    const { client, engine } = await joined()
    const user = host()
    await engine.setLayer(1, 'low')
    await engine.subscribe(1)
    client.failures.setStreamFallbackOption = { code: 'INVALID_OPERATION' }
    client.publishes(user, 'video')
    await settled()
    expect(user.videoTrack).toBeDefined()
    await engine.setLayer(1, 'high')
    expect(client.calls.at(-1)).toBe('setRemoteVideoStreamType(1, 0)')
})

test('a picture that cannot be received is told, and received by another subscription', async () => {
    const { client, engine, last } = await joined()
    const user = host()
    await engine.subscribe(1)
    client.failures.subscribe = { code: 'NETWORK_ERROR' }
    client.publishes(user, 'video')
    await settled()
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'failed', reason: 'unknown' })
    delete client.failures.subscribe
    await engine.unsubscribe(1)
    await engine.subscribe(1)
    expect(user.videoTrack).toBeDefined()
})

test.each([
    [0, 'stopped', 'unknown'],
    [1, 'starting', 'unknown'],
    [2, 'decoding', 'unknown'],
    [3, 'frozen', 'congestion'],
])('video state %i is %s', async (number, state, reason) => {
    const { client, engine, last } = await joined()
    const user = host()
    await engine.subscribe(1)
    client.publishes(user, 'video')
    await settled()
    user.videoTrack?.say('video-state-changed', number)
    expect(last('remoteVideo')).toEqual({ uid: 1, state, reason })
})

test('fallback, broken media and a decoder that fails are told, and their end', async () => {
    const { client, last } = await joined()
    client.publishes(host(), 'video')
    const back = { uid: 1, state: 'decoding', reason: 'recovered' }
    client.say('stream-fallback', 1, 'fallback')
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'stopped', reason: 'fallback' })
    client.say('stream-fallback', 1, 'recover')
    expect(last('remoteVideo')).toEqual(back)
    client.say('media-reconnect-start', 1)
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'frozen', reason: 'congestion' })
    client.say('media-reconnect-end', 1)
    expect(last('remoteVideo')).toEqual(back)
    client.say('exception', { code: 1005, msg: '', uid: 1 })
    expect(last('remoteVideo')).toEqual({ uid: 1, state: 'failed', reason: 'codec' })
    client.say('exception', { code: 3005, msg: '', uid: 1 })
    expect(last('remoteVideo')).toEqual(back)
})

test.each([
    ['CAN_NOT_GET_GATEWAY_SERVER', 'dynamic key expired', 'token_expired'],
    ['CAN_NOT_GET_GATEWAY_SERVER', 'invalid token, authorized failed', 'token_invalid'],
    ['CAN_NOT_GET_GATEWAY_SERVER', 'timeout', 'join_failed'],
    ['UID_CONFLICT', '', 'taken_over'],
    ['INVALID_OPERATION', '', 'join_failed'],
    ['INVALID_PARAMS', '', 'refused'],
    ['UNEXPECTED_ERROR', '', 'error'],
])('a join that rejects with %s (%s) is %s', async (code, message, reason) => {
    const { client, join, last, engine } = await joined()
    await engine.leave()
    client.failures.join = { code, message }
    await expect(join()).rejects.toMatchObject({ reason, code })
    expect(last('connection')).toEqual({ state: 'failed', reason })
})

test.each([
    ['TOKEN_EXPIRE', 'token_expired'],
    ['UID_CONFLICT', 'taken_over'],
    ['UID_BANNED', 'banned'],
    ['NETWORK_ERROR', 'lost'],
    ['SERVER_ERROR', 'error'],
])('a connection that ends by %s has failed: %s', async (code, reason) => {
    const { client, last } = await joined()
    client.say('connection-state-change', 'DISCONNECTED', 'CONNECTED', code)
    expect(last('connection')).toEqual({ state: 'failed', reason })
})

test('a connection that is interrupted comes back as rejoined', async () => {
    const { client, last } = await joined()
    client.say('connection-state-change', 'CONNECTED', 'CONNECTING')
    expect(last('connection')).toEqual({ state: 'connected', reason: 'joined' })
    client.say('connection-state-change', 'RECONNECTING', 'CONNECTED')
    expect(last('connection')).toEqual({ state: 'reconnecting', reason: 'interrupted' })
    client.say('connection-state-change', 'CONNECTED', 'RECONNECTING')
    expect(last('connection')).toEqual({ state: 'connected', reason: 'rejoined' })
})

test('a join that never settles ends with a leave, and the next one has another client', async () => {
    const { agora, client, engine, join } = await joined()
    await engine.leave()
    client.failures.join = 'never'
    client.failures.leave = 'never'
    const joining = expect(join()).rejects.toMatchObject({ reason: 'aborted' })
    await settled()
    await engine.leave()
    await joining
    await join()
    expect(agora.clients).toHaveLength(2)
    expect(agora.client.calls).toContain('join("app", "channel", "token", 7)')
})

test('tokens are renewed, refused and run out in the viewer’s words', async () => {
    const { client, engine, told } = await joined()
    await engine.renewToken('newer')
    client.failures.renewToken = { code: 'UPDATE_TICKET_FAILED' }
    await expect(engine.renewToken('wrong')).rejects.toMatchObject({ reason: 'token_invalid' })
    client.say('token-privilege-will-expire')
    client.say('token-privilege-did-expire')
    expect(told.map(([name]) => name).slice(-2)).toEqual(['tokenWillExpire', 'tokenExpired'])
})

test('the quality is measured every two seconds while it is in a channel', async () => {
    const { clock, engine, last, told } = await joined()
    await clock.advance(2_000)
    expect(last('quality')).toEqual({ uplink: 0, downlink: 2, packetLoss: 0.05, bandwidth: 900 })
    await engine.leave()
    const before = told.length
    await clock.advance(10_000)
    expect(told).toHaveLength(before)
    expect(clock.pending).toBe(0)
})

test('sound that waits for a touch is told once, and starts from it', async () => {
    const { agora, engine, told } = await joined()
    agora.say('autoplay-failed')
    agora.say('autoplay-failed')
    await engine.resumeAudio()
    expect(told.filter(([name]) => name === 'audioBlocked').map(([, event]) => event)).toEqual([
        { isBlocked: true },
        { isBlocked: false },
    ])
    await engine.dispose()
    expect(agora.listeners.get('autoplay-failed')?.size).toBe(0)
})
