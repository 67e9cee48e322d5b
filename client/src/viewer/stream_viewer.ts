/** The stream viewer without a screen: it brings the video of a stream into a view, and back whenever it is lost. */

import type { StreamClient } from '../client.ts'
import { Emitter, type Unsubscribe } from '../emitter/emitter.ts'
import { isTerminal, StreamError } from '../error/stream_error.ts'
import { Driver } from './driver.ts'
import { EngineSeat } from './engine_seat.ts'
import { firstFacts, isQuiet, isWell, type ViewerFacts, WITHOUT_ENGINE } from './facts.ts'
import { hearing } from './hearing.ts'
import { firstLayer, type LayerState, nextLayer } from './layers.ts'
import { PictureWatch } from './picture_watch.ts'
import { Publishing } from './publishing.ts'
import { RecoveryLadder } from './recovery_ladder.ts'
import { isSameSnapshot, snapshotOf } from './snapshot.ts'
import { StreamAccess } from './stream_access.ts'
import { TokenRenewal } from './token_renewal.ts'
import { Until } from './until.ts'
import type { AudioRoute, VideoEngineFactory, VideoQuality, VideoViewOptions } from './video_engine.ts'
import { ViewSeat } from './view_seat.ts'
import {
    type RecoveryCause,
    StreamQuality,
    type StreamViewerEvents,
    type StreamViewerSnapshot,
} from './viewer_types.ts'

export interface StreamViewerOptions<View = unknown> {
    sessionId: string
    userId: string
    userRole: 'seller' | 'buyer'
    engine: VideoEngineFactory<View>
    /** `auto` when left out. */
    quality?: StreamQuality
    /** The seller's device, as `startStream` returned it; the client knows its own. */
    generation?: number
}

export class StreamViewer<View = unknown> {
    readonly #client: StreamClient
    readonly #sessionId: string
    readonly #emitter = new Emitter<StreamViewerEvents>()
    readonly #access: StreamAccess
    readonly #seat: EngineSeat<View>
    readonly #view: ViewSeat<View>
    readonly #ladder: RecoveryLadder
    readonly #renewal: TokenRenewal
    readonly #driver: Driver<View>
    readonly #pictures: PictureWatch
    readonly #publishing: Publishing
    readonly #until = new Until()
    #facts: ViewerFacts
    #snapshot: StreamViewerSnapshot
    #layers: LayerState
    #startedAt = 0
    #isSettling = false
    #isDirty = false
    #ends: Unsubscribe[] = []
    #disposed: Promise<void> | null = null

    constructor(client: StreamClient, options: StreamViewerOptions<View>) {
        const { sessionId, userId, userRole: role, engine, quality = StreamQuality.AUTO, generation } = options
        const { clock, random, serverClock } = client.core
        this.#client = client
        this.#sessionId = sessionId
        this.#layers = firstLayer(quality)
        this.#facts = { ...firstFacts(role, quality), wantedLayer: this.#layers.layer }
        this.#snapshot = snapshotOf(sessionId, this.#facts)
        const facts = () => this.#facts
        const set = (change: Partial<ViewerFacts>) => this.#set(change)
        const trouble = (cause: RecoveryCause) => this.#trouble(cause)
        const access = new StreamAccess({
            client,
            sessionId,
            userId,
            role,
            generation,
            onFacts: set,
            onToken: (token) => this.#renewal.take(token),
            onEnd: (error) => this.#end(error),
            onClosed: () => void this.dispose(),
        })
        this.#access = access
        this.#ladder = new RecoveryLadder({
            clock,
            random,
            onStep: (event) => this.#emitter.emit('recovery', event),
            onChange: () => this.#climbed(),
            onExhausted: (cause) => this.#end(new StreamError('video_unavailable', `no picture: ${cause}`)),
        })
        this.#renewal = new TokenRenewal({
            clock,
            random,
            serverNow: () => serverClock.now(),
            fetch: (signal) => access.fetchToken(this.#renewal.token === null, signal),
            apply: (token) => this.#seat.call(new AbortController().signal, (it) => it.renewToken(token.token)),
            isInChannel: () => this.#facts.channel !== 'out',
            onChange: () => set({ hasToken: this.#renewal.token !== null, isTokenAwaited: this.#renewal.isAwaited }),
            onFailed: (error) => this.#tokenRefused(error),
            onNotTaken: () => trouble('token_refused'),
        })
        const listener = hearing({
            facts,
            set,
            place: () => this.#place,
            trouble,
            end: (end) =>
                this.#end(new StreamError(end === 'banned' ? 'banned' : 'superseded', `the video ended: ${end}`)),
            onFrame: () => this.#framed(),
            onQuality: (measured) => this.#measured(measured),
            onTokenEnds: (hasEnded) => (hasEnded ? trouble('token_refused') : this.#renewal.willExpire()),
            onHostLeft: () => this.#view.clear(),
        })
        this.#seat = new EngineSeat(engine, clock, listener)
        this.#view = new ViewSeat(() => this.#seat.current)
        this.#pictures = new PictureWatch({
            clock,
            engine: () => this.#seat.current,
            facts,
            set,
            trouble,
            blackStep: () => (this.#ladder.cause === 'black' && this.#ladder.isDone ? this.#ladder.step : null),
            onBlackSource: () => this.#ladder.mended(),
        })
        this.#driver = new Driver({
            clock,
            seat: this.#seat,
            view: this.#view,
            ladder: this.#ladder,
            renewal: this.#renewal,
            facts,
            set,
            trouble,
            announce: (signal) => access.announce(signal),
            onRefused: (error) => this.#end(error),
            onStep: () => this.#pictures.restart(),
        })
        this.#publishing = new Publishing({ facts, set, until: this.#until })
    }

    /** The same object until something changes. */
    get snapshot(): StreamViewerSnapshot {
        return this.#snapshot
    }

    on<Name extends keyof StreamViewerEvents>(
        name: Name,
        listener: (event: StreamViewerEvents[Name]) => void
    ): Unsubscribe {
        return this.#emitter.on(name, listener)
    }

    /** Joins the stream: a buyer watches from now on, a seller can show a preview and go live. Once; later calls do nothing. */
    start(): void {
        if (this.#facts.isStarted || this.#disposed !== null) return
        const { wakes, clock } = this.#client.core
        this.#startedAt = clock.now()
        this.#ends = [wakes.on('sleep', () => this.#awake(false)), wakes.on('wake', () => this.#awake(true))]
        this.#set({ isStarted: true, isAwake: wakes.isActive, isOnline: wakes.isOnline })
        this.#access.open()
    }

    /** Ends everything: channel, devices, timers, listeners. Nothing is emitted after it. */
    dispose(): Promise<void> {
        this.#disposed ??= this.#dispose()
        return this.#disposed
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.dispose()
    }

    /** Shows the video, or the seller's preview, in a view; another one takes its place. */
    attach(view: View, options: Partial<VideoViewOptions> = {}): void {
        if (this.#disposed !== null) return
        this.#view.attach(view, options)
        this.#set({ hasView: true, isViewVisible: true })
    }

    detach(): void {
        this.#view.detach()
        this.#set({ hasView: false })
    }

    setQuality(streamQuality: StreamQuality): void {
        this.#layers = firstLayer(streamQuality)
        this.#set({ streamQuality, wantedLayer: this.#layers.layer })
    }

    /** The viewer's own sound. */
    setMuted(isMuted: boolean): void {
        this.#set({ isMuted })
        const { subscribed } = this.#facts
        if (subscribed !== null) this.#seat.current?.setVolume(subscribed, isMuted ? 0 : 1)
    }

    async setAudioRoute(audioRoute: AudioRoute): Promise<void> {
        this.#set({ audioRoute })
        if (this.#facts.capabilities?.audioRoutes === true) await this.#seat.current?.setAudioRoute(audioRoute)
    }

    /** Starts the sound that a browser has blocked; to be called from a touch. */
    async resumeAudio(): Promise<void> {
        await this.#seat.current?.resumeAudio()
    }

    /** Begins again after `failed`, `taken_over` or `permission_denied`; ends a pause of recovery. */
    retry(): void {
        const { isStarted, end, permission, streamState } = this.#facts
        if (!isStarted || this.#disposed !== null || (end === 'ended' && streamState === 'ended')) return
        this.#ladder.hurry()
        const isDenied = permission === 'denied' && { permission: 'unknown' as const }
        if (end === null) return this.#set({ ...isDenied })
        this.#set({ end: null, error: null, hasJoined: false, isAnnounced: false, isTokenAwaited: false, ...isDenied })
        this.#access.reopen()
    }

    startPreview(): Promise<void> {
        return this.#publishing.startPreview()
    }

    /** Camera and microphone to everybody; resolves once they are sent and the stream is active. */
    goLive(): Promise<void> {
        return this.#publishing.goLive()
    }

    setCamera(isOn: boolean): Promise<void> {
        return this.#publishing.setDevice('camera', isOn)
    }

    setMicrophone(isOn: boolean): Promise<void> {
        return this.#publishing.setDevice('microphone', isOn)
    }

    async switchCamera(): Promise<void> {
        if (this.#facts.isPreviewing) await this.#seat.current?.switchCamera()
    }

    /** Sends nothing any more and lets go of the devices; the stream itself is ended by `endStream`. */
    stop(): Promise<void> {
        return this.#publishing.stop()
    }

    get #place(): 'out' | 'joining' | 'in' {
        if (this.#driver.isLeaving) return 'out'
        if (this.#facts.channel !== 'out') return 'in'
        return this.#driver.isJoining ? 'joining' : 'out'
    }

    #set(change: Partial<ViewerFacts>): void {
        if (this.#disposed !== null) return
        const names = Object.keys(change) as (keyof ViewerFacts)[]
        if (names.every((name) => change[name] === this.#facts[name])) return
        this.#facts = { ...this.#facts, ...change }
        this.#isDirty = true
        if (!this.#isSettling) this.#settle()
    }

    /** What follows from the facts, until they stay as they are. */
    #settle(): void {
        this.#isSettling = true
        while (this.#isDirty && this.#disposed === null) {
            this.#isDirty = false
            this.#mend()
            this.#pictures.update(this.#facts)
            this.#driver.wake()
            this.#show()
            this.#until.check(this.#facts)
        }
        this.#isSettling = false
    }

    #mend(): void {
        if (!this.#ladder.isDone) return
        if (isWell(this.#facts)) this.#ladder.mended()
        else if (!this.#ladder.isResting && isQuiet(this.#facts)) this.#ladder.rest()
    }

    #show(): void {
        const previous = this.#snapshot
        const next = snapshotOf(this.#sessionId, this.#facts)
        if (isSameSnapshot(previous, next)) return
        this.#snapshot = next
        if (next.phase !== previous.phase) {
            this.#emitter.emit('phase', { phase: next.phase, previous: previous.phase })
        }
        this.#emitter.emit('change', next)
    }

    #climbed(): void {
        const { step, isDone, isResting } = this.#ladder
        this.#set({ step, isStepDone: isDone, isResting })
    }

    #trouble(cause: RecoveryCause): void {
        const { isStarted, end, isOnline } = this.#facts
        // Without a network nothing can be mended, and nothing counts; an engine that breaks needs none.
        if (!isStarted || end !== null || (!isOnline && cause !== 'engine_error')) return
        this.#driver.abortJoin()
        this.#ladder.trouble(cause)
    }

    #framed(): void {
        if (this.#facts.firstFrameMs === null) {
            const afterMs = this.#client.core.clock.now() - this.#startedAt
            this.#set({ firstFrameMs: afterMs })
            this.#emitter.emit('firstFrame', { afterMs })
        }
        this.#pictures.frame()
    }

    #measured(quality: VideoQuality): void {
        this.#access.connection?.meter.media(quality.packetLoss, quality.bandwidth)
        this.#layers = nextLayer(this.#layers, this.#facts.streamQuality, quality)
        this.#set({ quality, wantedLayer: this.#layers.layer })
    }

    /** A refusal that does not pass ends the viewer, whether the connection finds the same or not. */
    #tokenRefused(error: StreamError): void {
        if (isTerminal(error) || error.code === 'not_viewer') this.#access.report(error)
        if (isTerminal(error)) this.#end(error)
    }

    #awake(isWake: boolean): void {
        const { isActive, isOnline } = this.#client.core.wakes
        this.#set({ isAwake: isActive, isOnline })
        if (!isWake || this.#facts.end !== null) return
        // Systems take the picture out of views, and cameras from apps, that are not in front.
        if (this.#facts.channel !== 'out') this.#view.reattach()
        this.#pictures.restart()
        this.#publishing.takeDevicesBack()
        if (this.#renewal.woken() && this.#facts.channel !== 'out') this.#trouble('token_refused')
        this.#ladder.hurry()
    }

    #end(error: StreamError): void {
        if (this.#facts.end !== null) return
        const end = ENDS.get(error.code) ?? 'failed'
        this.#halt()
        this.#until.reject(error)
        this.#set({ ...WITHOUT_ENGINE, end, error: end === 'ended' ? null : error })
        if (end !== 'ended') this.#emitter.emit('error', error)
    }

    #halt(): void {
        this.#ladder.stop()
        this.#renewal.stop()
        this.#pictures.stop()
        this.#driver.abort()
        this.#view.clear()
        void this.#seat.drop()
    }

    async #dispose(): Promise<void> {
        for (const end of this.#ends) end()
        this.#access.close()
        this.#ladder.stop()
        this.#renewal.stop()
        this.#pictures.stop()
        this.#driver.abort()
        this.#view.clear()
        this.#emitter.clear()
        this.#until.reject(new StreamError('disposed', 'the viewer was disposed of'))
        await this.#seat.drop()
    }
}

const ENDS: ReadonlyMap<string, 'ended' | 'taken_over'> = new Map([
    ['stream_ended', 'ended'],
    ['superseded', 'taken_over'],
    ['stale_host', 'taken_over'],
])
