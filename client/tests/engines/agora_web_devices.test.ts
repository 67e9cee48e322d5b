/** The host's devices over agora-rtc-sdk-ng: what is off stays closed, and a call is noticed on whatever track the browser has. */
// @vitest-environment jsdom

import { expect, test } from 'vitest'
import { AgoraWebEngine } from '../../src/engines/agora_web/agora_web_engine.ts'
import { FakeClock } from '../fakes/fake_clock.ts'
import { FakeAgoraWeb } from './fake_agora_web.ts'

function host() {
    const agora = new FakeAgoraWeb()
    const engine = new AgoraWebEngine({ AgoraRTC: agora.sdk, appId: 'app', clock: new FakeClock() })
    const told: object[] = []
    engine.on('local', (event) => told.push(event))
    const kinds = () => agora.opened.map(({ kind }) => kind)
    return { agora, engine, told, kinds }
}

test('a device that is off before the preview is not opened, and opens once it is on', async () => {
    const { engine, kinds, told } = host()
    await engine.setCamera(false)
    expect(await engine.requestPermissions()).toEqual({ camera: 'granted', microphone: 'granted' })
    await engine.startPreview()
    expect(kinds()).toEqual(['microphone'])
    await engine.setCamera(true)
    expect(kinds()).toEqual(['microphone', 'camera'])
    expect(told.at(-1)).toEqual({ source: 'camera', state: 'live' })
})

test('a camera that is switched on later is shown in the preview', async () => {
    const { agora, engine } = host()
    const view = document.createElement('div')
    engine.setView(0, view, { objectFit: 'cover', mirror: true })
    await engine.setCamera(false)
    await engine.startPreview()
    expect(view.querySelector('video')).toBeNull()
    await engine.setCamera(true)
    expect(agora.opened.at(-1)?.isPlaying && view.querySelector('video') !== null).toBe(true)
})

test('a device that is switched off while it opens is closed when it comes', async () => {
    const { agora, engine } = host()
    const preview = engine.startPreview()
    await engine.setCamera(false)
    await preview
    expect(agora.opened.find(({ kind }) => kind === 'camera')?.isClosed).toBe(true)
})

test('without a microphone the picture goes alone', async () => {
    const { agora, engine, told, kinds } = host()
    agora.hasMicrophone = false
    await engine.startPreview()
    expect(kinds()).toEqual(['camera'])
    expect(told).toEqual([{ source: 'camera', state: 'live' }])
})

test.each([
    [
        'switched off and on',
        async (engine: AgoraWebEngine) => engine.setCamera(false).then(() => engine.setCamera(true)),
    ],
    ['turned', (engine: AgoraWebEngine) => engine.switchCamera()],
])('a call that takes a camera which was %s is noticed', async (_, change) => {
    const { agora, engine, told } = host()
    await engine.startPreview()
    const [camera] = agora.opened
    const before = camera?.media
    await change(engine)
    expect(camera?.media).not.toBe(before)
    told.length = 0
    before?.dispatchEvent(new Event('mute'))
    expect(told).toEqual([])
    camera?.media.dispatchEvent(new Event('mute'))
    camera?.media.dispatchEvent(new Event('unmute'))
    expect(told).toEqual([
        { source: 'camera', state: 'interrupted' },
        { source: 'camera', state: 'live' },
    ])
})
