/** What a person answered when a page asked for camera and microphone. */

import type { LocalSource, PermissionAnswer } from '../../viewer/video_engine.ts'
import { VideoEngineError } from '../engine_error.ts'

/** Opens the devices and reads the answer; other failures than a refusal are thrown. */
export async function permissionsAfter(open: () => Promise<void>): Promise<Record<LocalSource, PermissionAnswer>> {
    const answers: Record<LocalSource, PermissionAnswer> = { camera: 'granted', microphone: 'granted' }
    try {
        await open()
    } catch (error) {
        if (!(error instanceof VideoEngineError) || error.reason !== 'permission' || error.source === null) throw error
        answers[error.source] = (await isBlocked(error.source)) ? 'blocked' : 'denied'
    }
    return answers
}

/** Whether the browser would refuse the next time too, without asking. */
async function isBlocked(source: LocalSource): Promise<boolean> {
    try {
        const { state } = await navigator.permissions.query({ name: source as PermissionName })
        return state === 'denied'
    } catch {
        return false
    }
}
