/** Camera and microphone, as Android is asked for them; iOS asks by itself when the SDK opens them. */

import type { LocalSource, PermissionAnswer } from '../viewer/video_engine.ts'

/** `Platform` of react-native. */
export interface PlatformLike {
    readonly OS: string
}

/** `PermissionsAndroid` of react-native. */
export interface PermissionsAndroidLike {
    requestMultiple(permissions: never[]): Promise<unknown>
}

const PERMISSIONS: Readonly<Record<LocalSource, string>> = {
    camera: 'android.permission.CAMERA',
    microphone: 'android.permission.RECORD_AUDIO',
}

/** What the engine asks before the first preview; sellers alone are asked. `blocked`: only the settings help. */
export function mediaPermissions(modules: {
    Platform: PlatformLike
    PermissionsAndroid: PermissionsAndroidLike
}): () => Promise<Record<LocalSource, PermissionAnswer>> {
    const { Platform, PermissionsAndroid } = modules
    return async () => {
        if (Platform.OS !== 'android') return { camera: 'granted', microphone: 'granted' }
        const answers = await PermissionsAndroid.requestMultiple(Object.values(PERMISSIONS) as never[])
        const answerOf = (source: LocalSource): PermissionAnswer => {
            const answer = (answers as Record<string, unknown>)[PERMISSIONS[source]]
            if (answer === 'granted') return 'granted'
            return answer === 'never_ask_again' ? 'blocked' : 'denied'
        }
        return { camera: answerOf('camera'), microphone: answerOf('microphone') }
    }
}
