/** Camera and microphone are asked for together on Android, and by the SDK on iOS. */

import { expect, test } from 'vitest'
import { mediaPermissions } from '../../src/react_native/media_permissions.ts'

const CAMERA = 'android.permission.CAMERA'
const MICROPHONE = 'android.permission.RECORD_AUDIO'

function ask(OS: string, answers: Record<string, string>) {
    const asked: string[][] = []
    const requestMultiple = async (permissions: string[]) => {
        asked.push(permissions)
        return answers
    }
    const request = mediaPermissions({ Platform: { OS }, PermissionsAndroid: { requestMultiple } })
    return { asked, request }
}

test('Android answers for each device', async () => {
    const { asked, request } = ask('android', { [CAMERA]: 'granted', [MICROPHONE]: 'never_ask_again' })
    expect(await request()).toEqual({ camera: 'granted', microphone: 'blocked' })
    expect(asked).toEqual([[CAMERA, MICROPHONE]])
})

test('what was refused, or not answered at all, is not granted', async () => {
    expect(await ask('android', { [CAMERA]: 'denied' }).request()).toEqual({ camera: 'denied', microphone: 'denied' })
})

test('iOS is not asked here: the system asks when the device is opened', async () => {
    const { asked, request } = ask('ios', {})
    expect(await request()).toEqual({ camera: 'granted', microphone: 'granted' })
    expect(asked).toEqual([])
})
