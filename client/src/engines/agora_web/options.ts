/** What the engine over agora-rtc-sdk-ng is made from. */

import type { IAgoraRTC } from 'agora-rtc-sdk-ng'
import type { Clock } from '../../clock/clock.ts'

export interface AgoraWebOptions {
    /** The default export of agora-rtc-sdk-ng. */
    AgoraRTC: IAgoraRTC
    appId: string
    /** Between browsers and phones `h264` is what both surely have; `vp8` is the SDK's usual choice. */
    codec?: 'vp8' | 'h264' | 'vp9' | 'av1'
    clock?: Clock
}
