/** What an app gives the engine over react-native-agora. */

import type { Clock } from '../../clock/clock.ts'
import type { LocalSource, PermissionAnswer } from '../../viewer/video_engine.ts'
import type { AgoraReactNativeSdk } from './sdk.ts'

export interface AgoraReactNativeOptions {
    /** The module `react-native-agora`. */
    agora: AgoraReactNativeSdk
    appId: string
    /** Asks for camera and microphone: `mediaPermissions`. Without it the SDK asks when it opens them. */
    permissions?: () => Promise<Record<LocalSource, PermissionAnswer>>
    clock?: Clock
}
