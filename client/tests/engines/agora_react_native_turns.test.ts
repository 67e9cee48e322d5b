/** Two engines over the one that react-native-agora has: the next begins when the one before has released it. */

import { expect, test } from 'vitest'
import { CONNECTION, joined, outcome, STATS, settled, start } from './native_bench.ts'

test('an engine joins once the one before has left and released, and loses nothing by it', async () => {
    const before = await joined()
    const { sdk } = before
    const next = start(before)
    const now = outcome(next.join())
    await settled()
    expect(sdk.names().filter((name) => name === 'joinChannel')).toHaveLength(1)
    const disposed = before.engine.dispose()
    await settled()
    expect(sdk.names().filter((name) => name === 'joinChannel')).toHaveLength(1)
    sdk.say.onLeaveChannel(CONNECTION, STATS)
    await disposed
    await settled()
    const names = sdk.names()
    expect(names.lastIndexOf('joinChannel')).toBeGreaterThan(names.indexOf('release'))
    expect(names.lastIndexOf('initialize')).toBeGreaterThan(names.indexOf('release'))
    expect(sdk.handlers).toHaveLength(1)
    sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await settled()
    expect(now()).toBe('resolved')
    expect(names.filter((name) => name === 'leaveChannel' || name === 'release')).toHaveLength(2)
})

test('an engine that is disposed of before its turn leaves and releases nothing, and the one after it has its own', async () => {
    const first = await joined()
    const { sdk } = first
    const second = start(first)
    const waiting = outcome(second.join())
    const third = start(first)
    const now = outcome(third.join())
    await settled()
    await second.engine.dispose()
    await settled()
    expect(sdk.names()).not.toContain('leaveChannel')
    expect(sdk.names()).not.toContain('release')
    const disposed = first.engine.dispose()
    await settled()
    sdk.say.onLeaveChannel(CONNECTION, STATS)
    await disposed
    await settled()
    expect(waiting()).toBe('aborted')
    expect(sdk.handlers).toHaveLength(1)
    sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await settled()
    expect(now()).toBe('resolved')
})

test('a join that waits for its turn is aborted at once', async () => {
    const before = await joined()
    const next = start(before)
    const abort = new AbortController()
    const now = outcome(next.join('audience', abort))
    await settled()
    abort.abort()
    await settled()
    expect(now()).toBe('aborted')
})

test('a leave that the SDK refuses ends the turn all the same', async () => {
    const before = await joined()
    before.sdk.codes.leaveChannel = -7
    await before.engine.dispose()
    const next = start(before)
    await next.engine.startPreview()
    expect(before.sdk.calls.at(-1)).toBe('startPreview()')
})

test('frames that are drawn are a sign of life, and their end is told once', async () => {
    const { sdk, told } = await joined()
    const report = (rendererOutputFrameRate: number) =>
        sdk.say.onRemoteVideoStats(CONNECTION, { uid: 1, rendererOutputFrameRate })
    report(0)
    report(0)
    expect(told).toEqual([])
    report(15)
    expect(told.splice(0)).toEqual([['frame', { uid: 1 }]])
    report(0)
    expect(told).toEqual([])
    report(0)
    report(0)
    expect(told.splice(0)).toEqual([['remoteVideo', { uid: 1, state: 'frozen', reason: 'unknown' }]])
    report(12)
    expect(told).toEqual([
        ['remoteVideo', { uid: 1, state: 'decoding', reason: 'recovered' }],
        ['frame', { uid: 1 }],
    ])
})

test('the next engine is free once the one before has released, and waits for it as long as it takes', async () => {
    const before = await joined()
    const next = start(before)
    const now = outcome(next.engine.whenFree(new AbortController().signal))
    await before.clock.advance(600_000)
    expect(now()).toBe('pending')
    const disposed = before.engine.dispose()
    await settled()
    before.sdk.say.onLeaveChannel(CONNECTION, STATS)
    await disposed
    await settled()
    expect(now()).toBe('resolved')
})

test('a device that is off before the preview is not opened, and opens once it is on', async () => {
    const { engine, sdk } = start()
    await engine.setCamera(false)
    await engine.setMicrophone(false)
    expect(sdk.calls).toEqual([])
    await engine.startPreview()
    expect(sdk.calls).toContain('enableLocalVideo(false)')
    expect(sdk.calls).toContain('enableLocalAudio(false)')
    expect(sdk.calls).not.toContain('enableLocalVideo(true)')
    expect(sdk.names()).not.toContain('startPreview')
    await engine.setCamera(true)
    expect(sdk.calls.slice(-2)).toEqual(['enableLocalVideo(true)', 'startPreview()'])
})
