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

export class LocalTracks extends Emitter<LocalTracksEvents> {
    readonly #sdk: IAgoraRTC
    #camera: ICameraVideoTrack | null = null
    #microphone: IMicrophoneAudioTrack | null = null
    #facing: 'user' | 'environment' = 'user'
    #opening: Promise<void> | null = null
    /** Counts closings: what was asked for before one is closed when it comes. */
    #round = 0

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

    /** Asks for both once. */
    open(): Promise<void> {
        if (this.#camera !== null && this.#microphone !== null) return Promise.resolve()
        this.#opening ??= this.#open(this.#round).finally(() => {
            this.#opening = null
        })
        return this.#opening
    }

    close(): void {
        this.#round++
        for (const track of this.all) track.close()
        this.#camera = null
        this.#microphone = null
    }

    /** The device is let go of while it is off. */
    async setOn(source: LocalSource, isOn: boolean): Promise<void> {
        const track = source === 'camera' ? this.#camera : this.#microphone
        if (track === null || track.enabled === isOn) return
        await this.#tried(source, () => track.setEnabled(isOn))
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
    }

    async #open(round: number): Promise<void> {
        this.#camera ??= await this.#make('camera', round, () =>
            this.#sdk.createCameraVideoTrack({ facingMode: this.#facing })
        )
        this.#microphone ??= await this.#make('microphone', round, () => this.#sdk.createMicrophoneAudioTrack())
    }

    async #make<Track extends ILocalTrack>(
        source: LocalSource,
        round: number,
        make: () => Promise<Track>
    ): Promise<Track> {
        const track = await this.#tried(source, make)
        if (round !== this.#round) {
            track.close()
            throw new VideoEngineError('the devices were let go of', { reason: 'aborted', source })
        }
        track.on('track-ended', () => this.emit('local', { source, state: 'failed' }))
        // A call mutes the browser's own track and gives it back; the SDK does not tell.
        const media = track.getMediaStreamTrack()
        media.addEventListener('mute', () => this.emit('local', { source, state: 'interrupted' }))
        media.addEventListener('unmute', () => this.emit('local', { source, state: 'live' }))
        this.emit('local', { source, state: 'live' })
        return track
    }

    async #tried<T>(source: LocalSource, run: () => Promise<T>): Promise<T> {
        try {
            return await run()
        } catch (cause) {
            const code = codeOf(cause)
            const isDenied = code === 'PERMISSION_DENIED'
            this.emit('local', { source, state: isDenied ? 'denied' : 'failed' })
            const reason = isDenied ? 'permission' : 'no_device'
            throw new VideoEngineError(`the ${source} does not open: ${code}`, { reason, code, source, cause })
        }
    }
}

export function codeOf(thrown: unknown): string {
    return String((thrown as { code?: unknown } | null)?.code ?? thrown)
}
