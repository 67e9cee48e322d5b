/** Two viewers over the one engine that react-native-agora has: the second waits for the first, and fails by nothing meanwhile. */

import { expect, test } from 'vitest'
import { agoraReactNativeEngine } from '../../src/engines/agora_react_native/agora_react_native_engine.ts'
import { type ViewerBench, viewerBench } from '../viewer/viewer_bench.ts'
import { FakeAgoraNative } from './fake_agora_native.ts'
import { CONNECTION, STATS, settled } from './native_bench.ts'

function viewerOver(sdk: FakeAgoraNative): ViewerBench {
    const of: ViewerBench = viewerBench({
        viewer: { engine: () => agoraReactNativeEngine({ agora: sdk, appId: 'app', clock: of.clock })() },
    })
    return of
}

test('the second of two viewers waits without a limit, and joins once the first is gone', async () => {
    const sdk = new FakeAgoraNative()
    const joins = () => sdk.names().filter((name) => name === 'joinChannel').length
    const first = viewerOver(sdk)
    await first.play()
    sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await first.clock.advance(1_000)
    expect(first.snapshot.phase).toBe('host_away')

    const second = viewerOver(sdk)
    await second.play(600_000)
    expect(second.snapshot.phase).toBe('joining')
    expect([second.recoveries, second.troubles]).toEqual([[], []])
    expect(joins()).toBe(1)

    const gone = first.viewer.dispose()
    await settled()
    sdk.say.onLeaveChannel(CONNECTION, STATS)
    await gone
    await second.clock.advance(1_000)
    expect(joins()).toBe(2)
    sdk.say.onJoinChannelSuccess(CONNECTION, 1)
    await second.clock.advance(1_000)
    expect(second.snapshot.phase).toBe('host_away')
    expect(second.phases).toEqual(['token', 'joining', 'host_away'])
})
