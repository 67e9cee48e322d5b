/** The host's own devices: camera and microphone, or a drawn picture where the browser gives no camera. */

import type { Clock } from '../../clock/clock.ts'
import { Emitter } from '../../emitter/emitter.ts'
import type { LocalSource, VideoEngineEvents } from '../../viewer/video_engine.ts'
import { VideoEngineError } from '../engine_error.ts'
import { DrawnPicture } from './drawn_picture.ts'

/** `auto`: the camera where there is one and the page may ask for it, else the drawn picture. */
export type PictureSource = 'camera' | 'drawn' | 'auto'

interface LocalMediaEvents {
    local: VideoEngineEvents['local']
    /** What is sent has changed: another track, or none. */
    tracks: undefined
}

export class LocalMedia extends Emitter<LocalMediaEvents> {
    /** The picture and the sound at present, as the preview shows them. */
    readonly stream: MediaStream = new MediaStream()
    readonly #clock: Clock
    readonly #source: PictureSource
    readonly #label: string
    #drawn: DrawnPicture | null = null
    #isOpen = false
    #isCameraOn = true
    #isMicrophoneOn = true
    #isBlack = false
    #facing: 'user' | 'environment' = 'user'
    /** Counts openings and closings: what was asked for before one is dropped when it comes. */
    #round = 0

    constructor(source: PictureSource, clock: Clock, label: string) {
        super()
        this.#source = source
        this.#clock = clock
        this.#label = label
    }

    get video(): MediaStreamTrack | null {
        return this.stream.getVideoTracks()[0] ?? null
    }

    get audio(): MediaStreamTrack | null {
        return this.stream.getAudioTracks()[0] ?? null
    }

    get isOpen(): boolean {
        return this.#isOpen
    }

    /** Asks for both devices once; does nothing while they are open. */
    async open(): Promise<void> {
        if (this.#isOpen) return
        this.#isOpen = true
        const round = ++this.#round
        try {
            await this.#openVideo(round)
            await this.#openAudio(round)
        } catch (error) {
            if (round === this.#round) this.close()
            throw error
        }
    }

    close(): void {
        this.#round++
        this.#isOpen = false
        this.#drop(this.video)
        this.#drop(this.audio)
        this.#drawn?.stop()
        this.#drawn = null
        this.emit('tracks', undefined)
    }

    async setCamera(isOn: boolean): Promise<void> {
        this.#isCameraOn = isOn
        if (!this.#isOpen || isOn === (this.video !== null)) return
        if (isOn) return this.#openVideo(this.#round)
        this.#drop(this.video)
        this.#drawn?.stop()
        this.#drawn = null
        this.emit('local', { source: 'camera', state: 'off' })
        this.emit('tracks', undefined)
    }

    async setMicrophone(isOn: boolean): Promise<void> {
        this.#isMicrophoneOn = isOn
        if (!this.#isOpen || isOn === (this.audio !== null)) return
        if (isOn) return this.#openAudio(this.#round)
        this.#drop(this.audio)
        this.emit('local', { source: 'microphone', state: 'off' })
        this.emit('tracks', undefined)
    }

    /** The other side of a phone; a drawn picture is turned, so that there is something to see. */
    async switchCamera(): Promise<void> {
        this.#facing = this.#facing === 'user' ? 'environment' : 'user'
        if (this.#drawn !== null) return this.#drawn.turn()
        if (this.video === null) return
        this.#drop(this.video)
        await this.#openVideo(this.#round)
    }

    /** A picture without light, as of a covered lens; frames go on. */
    setBlack(isBlack: boolean): void {
        this.#isBlack = isBlack
        if (this.video !== null) this.video.enabled = !isBlack
    }

    async #openVideo(round: number): Promise<void> {
        if (!this.#isCameraOn) return
        const track = await this.#videoTrack()
        this.#add('camera', track, round)
    }

    async #videoTrack(): Promise<MediaStreamTrack> {
        if (this.#source === 'drawn' || (this.#source === 'auto' && !(await hasDevice('videoinput')))) {
            this.#drawn ??= new DrawnPicture(this.#clock, this.#label)
            const [track] = this.#drawn.stream.getVideoTracks()
            if (track === undefined) throw noDevice('camera', 'the browser cannot capture a canvas')
            return track
        }
        return this.#ask('camera', {
            video: { facingMode: this.#facing, width: { ideal: 1280 }, height: { ideal: 720 } },
        })
    }

    /** Without a microphone the picture goes alone; one that is refused is told. */
    async #openAudio(round: number): Promise<void> {
        if (!this.#isMicrophoneOn || this.#source === 'drawn' || !(await hasDevice('audioinput'))) return
        this.#add('microphone', await this.#ask('microphone', { audio: true }), round)
    }

    async #ask(source: LocalSource, wanted: MediaStreamConstraints): Promise<MediaStreamTrack> {
        try {
            const stream = await navigator.mediaDevices.getUserMedia(wanted)
            const [track] = stream.getTracks()
            if (track === undefined) throw noDevice(source, 'no track')
            return track
        } catch (cause) {
            if (cause instanceof VideoEngineError) throw cause
            const isDenied = cause instanceof DOMException && cause.name === 'NotAllowedError'
            this.emit('local', { source, state: isDenied ? 'denied' : 'failed' })
            if (!isDenied) throw noDevice(source, String(cause))
            throw new VideoEngineError(`the ${source} was refused`, { reason: 'permission', source, cause })
        }
    }

    #add(source: LocalSource, track: MediaStreamTrack, round: number): void {
        const isWanted = round === this.#round && (source === 'camera' ? this.#isCameraOn : this.#isMicrophoneOn)
        if (!isWanted) return track.stop()
        this.#drop(source === 'camera' ? this.video : this.audio)
        if (source === 'camera') track.enabled = !this.#isBlack
        // A call takes a device (mute) and gives it back; one that is unplugged or revoked ends.
        track.onmute = () => this.emit('local', { source, state: 'interrupted' })
        track.onunmute = () => this.emit('local', { source, state: 'live' })
        track.onended = () => this.emit('local', { source, state: 'failed' })
        this.stream.addTrack(track)
        this.emit('local', { source, state: 'live' })
        this.emit('tracks', undefined)
    }

    #drop(track: MediaStreamTrack | null): void {
        if (track === null) return
        track.onmute = null
        track.onunmute = null
        track.onended = null
        track.stop()
        this.stream.removeTrack(track)
    }
}

/** False in pages that may not ask: those of plain http from another machine have no `mediaDevices`. */
async function hasDevice(kind: MediaDeviceKind): Promise<boolean> {
    const devices = await navigator.mediaDevices?.enumerateDevices()
    return devices?.some((device) => device.kind === kind) ?? false
}

function noDevice(source: LocalSource, message: string): VideoEngineError {
    return new VideoEngineError(`no ${source}: ${message}`, { reason: 'no_device', source })
}
