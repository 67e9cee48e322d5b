/** The host's camera and microphone, as tracks of Agora's SDK. */

import type {
    IAgoraRTC,
    IAgoraRTCClient,
    ICameraVideoTrack,
    ILocalTrack,
    IMicrophoneAudioTrack,
} from 'agora-rtc-sdk-ng'
import { Emitter } from '../../emitter/emitter.ts'
import type { LocalSource, VideoEngineEvents } from '../../viewer/video_engine.ts'
import { VideoEngineError } from '../engine_error.ts'

interface LocalTracksEvents {
    local: VideoEngineEvents['local']
}

/** The SDK's code where there is no such device. */
const NO_DEVICE = 'DEVICE_NOT_FOUND'

const SOURCES = ['camera', 'microphone'] as const

export class LocalTracks extends Emitter<LocalTracksEvents> {
    readonly #sdk: IAgoraRTC
    #camera: ICameraVideoTrack | null = null
    #microphone: IMicrophoneAudioTrack | null = null
    #facing: 'user' | 'environment' = 'user'
    readonly #wanted: Record<LocalSource, boolean> = { camera: true, microphone: true }
    #isOpen = false
    #opening: Promise<void> | null = null
    /** Counts closings: what was asked for before one is closed when it comes. */
    #round = 0
    /** Ends the listening to the browser's own track, by source. */
    readonly #unlisten: Partial<Record<LocalSource, () => void>> = {}

    constructor(sdk: IAgoraRTC) {
        super()
        this.#sdk = sdk
    }

    get camera(): ICameraVideoTrack | null {
        return this.#camera
    }

    get all(): ILocalTrack[] {
        return [this.#camera, this.#microphone].flatMap((track) => (track === null ? [] : [track]))
    }

    /** Asks once for those that are wanted. */
    open(): Promise<void> {
        this.#isOpen = true
        this.#opening ??= this.#open(this.#round).finally(() => {
            this.#opening = null
        })
        return this.#opening
    }

    close(): void {
        this.#round++
        this.#isOpen = false
        for (const source of SOURCES) this.#unlisten[source]?.()
        for (const track of this.all) track.close()
        this.#camera = null
        this.#microphone = null
    }

    /** The device is let go of while it is off; one that is off from the beginning is not opened at all. */
    async setOn(source: LocalSource, isOn: boolean): Promise<void> {
        this.#wanted[source] = isOn
        const track = source === 'camera' ? this.#camera : this.#microphone
        if (track === null) return isOn && this.#isOpen ? this.#openAnother() : undefined
        if (track.enabled === isOn) return
        await this.#tried(source, () => track.setEnabled(isOn))
        this.#listen(source, track)
        this.emit('local', { source, state: isOn ? 'live' : 'off' })
    }

    /** Sends what is on and not sent yet; the SDK refuses to publish nothing. */
    async publishTo(client: IAgoraRTCClient): Promise<void> {
        const unsent = this.all.filter((track) => track.enabled && !client.localTracks.includes(track))
        if (unsent.length > 0) await client.publish(unsent)
    }

    async switchCamera(): Promise<void> {
        const camera = this.#camera
        if (camera === null) return
        this.#facing = this.#facing === 'user' ? 'environment' : 'user'
        await this.#tried('camera', () => camera.setDevice({ facingMode: this.#facing }))
        this.#listen('camera', camera)
    }

    /** An opening under way may have passed what is wanted since. */
    async #openAnother(): Promise<void> {
        await this.#opening?.catch(() => {})
        await this.open()
    }

    async #open(round: number): Promise<void> {
        this.#camera ??= await this.#make('camera', round, () =>
            this.#sdk.createCameraVideoTrack({ facingMode: this.#facing })
        )
        this.#microphone ??= await this.#make('microphone', round, () => this.#sdk.createMicrophoneAudioTrack())
    }

    /** A call mutes the browser's own track and gives it back; the SDK does not tell. It has another one after each opening. */
    #listen(source: LocalSource, track: ILocalTrack): void {
        this.#unlisten[source]?.()
        const media = track.getMediaStreamTrack()
        const onMute = () => this.emit('local', { source, state: 'interrupted' })
        const onUnmute = () => this.emit('local', { source, state: 'live' })
        media.addEventListener('mute', onMute)
        media.addEventListener('unmute', onUnmute)
        this.#unlisten[source] = () => {
            media.removeEventListener('mute', onMute)
            media.removeEventListener('unmute', onUnmute)
        }
    }

    /** Null where the device is to stay off. Without a microphone the picture goes alone. */
    async #make<Track extends ILocalTrack>(
        source: LocalSource,
        round: number,
        make: () => Promise<Track>
    ): Promise<Track | null> {
        if (!this.#wanted[source]) return null
        let track: Track
        try {
            track = await make()
        } catch (cause) {
            if (source === 'microphone' && codeOf(cause) === NO_DEVICE) return null
            throw this.#failed(source, cause)
        }
        if (round !== this.#round) {
            track.close()
            throw new VideoEngineError('the devices were let go of', { reason: 'aborted', source })
        }
        if (!this.#wanted[source]) {
            track.close()
            return null
        }
        track.on('track-ended', () => this.emit('local', { source, state: 'failed' }))
        this.#listen(source, track)
        this.emit('local', { source, state: 'live' })
        return track
    }

    async #tried(source: LocalSource, run: () => Promise<unknown>): Promise<void> {
        try {
            await run()
        } catch (cause) {
            throw this.#failed(source, cause)
        }
    }

    #failed(source: LocalSource, cause: unknown): VideoEngineError {
        const code = codeOf(cause)
        const isDenied = code === 'PERMISSION_DENIED'
        this.emit('local', { source, state: isDenied ? 'denied' : 'failed' })
        const reason = isDenied ? 'permission' : 'no_device'
        return new VideoEngineError(`the ${source} does not open: ${code}`, { reason, code, source, cause })
    }
}

export function codeOf(thrown: unknown): string {
    return String((thrown as { code?: unknown } | null)?.code ?? thrown)
}
