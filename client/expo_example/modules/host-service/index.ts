/** Android's foreground service of a seller: without one the system takes camera and microphone from an app in the background. */

import { requireOptionalNativeModule } from 'expo'

interface HostServiceModule {
    start(title: string): void
    stop(): void
}

/** iOS has none, and needs none while sound is a background mode. */
const native = requireOptionalNativeModule<HostServiceModule>('HostService')

/** Shows a notification for as long as the stream is on. Called while the app is in front, after both permissions were given. */
export const startHostService = (title: string): void => native?.start(title)

export const stopHostService = (): void => native?.stop()
