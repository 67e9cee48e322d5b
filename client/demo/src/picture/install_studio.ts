/** Puts the studio between the engines and the devices: whoever asks the browser for a camera gets the studio's picture. */

import type { Studio } from './studio.ts'

export function installStudio(studio: Studio, target: Navigator): void {
    // Without TLS a browser has no devices at all, and the scene is drawn.
    const devices = target.mediaDevices as MediaDevices | undefined
    const original = devices?.getUserMedia?.bind(devices)
    const ask = async (constraints: MediaStreamConstraints): Promise<MediaStream | null> => {
        try {
            return (await original?.(constraints)) ?? null
        } catch (error) {
            // A refusal is the user's word; a device that is not there is none.
            if (error instanceof DOMException && error.name === 'NotAllowedError') throw error
            return null
        }
    }
    const getUserMedia = async (constraints: MediaStreamConstraints = {}): Promise<MediaStream> => {
        const stream = new MediaStream()
        const { video, audio } = constraints
        // The engine turns the camera to have it opened anew; the demo shows whoever sits before it.
        const front = typeof video === 'object' ? { ...video, facingMode: 'user' } : true
        if (video) stream.addTrack(await studio.open(() => ask({ video: front })))
        if (audio) {
            const microphone = studio.source === 'camera' ? await ask({ audio }) : null
            stream.addTrack(microphone?.getAudioTracks()[0] ?? silence())
        }
        return stream
    }
    if (devices !== undefined)
        Object.defineProperty(devices, 'getUserMedia', { value: getUserMedia, configurable: true })
    else {
        const value = {
            getUserMedia,
            enumerateDevices: async () => [],
            addEventListener() {},
            removeEventListener() {},
        }
        Object.defineProperty(target, 'mediaDevices', { value, configurable: true })
    }
}

/** One for the page: a browser has few of them. */
let audio: AudioContext | undefined

function silence(): MediaStreamTrack {
    audio ??= new AudioContext()
    const track = audio.createMediaStreamDestination().stream.getAudioTracks()[0]
    if (track === undefined) throw new DOMException('there is no sound', 'NotFoundError')
    return track
}
