/** The works of a stream viewer: its facts, what follows from them, and all that changes them. */

import type { StreamClient } from '../client.ts'
import type { Emitter, Unsubscribe } from '../emitter/emitter.ts'
import { isTerminal, StreamError } from '../error/stream_error.ts'
import { Driver } from './driver.ts'
import { EngineSeat } from './engine_seat.ts'
import { firstFacts, isQuiet, isWell, type ViewerFacts, WITHOUT_ENGINE } from './facts.ts'
import { hearing } from './hearing.ts'
import { LayerChoice } from './layers.ts'
import { PictureWatch } from './picture_watch.ts'
import { Publishing } from './publishing.ts'
import { isOfChannel, RecoveryLadder } from './recovery_ladder.ts'
import { isSameSnapshot, snapshotOf } from './snapshot.ts'
import { StreamAccess } from './stream_access.ts'
import { TokenRenewal } from './token_renewal.ts'
import { Until } from './until.ts'
import type { VideoQuality } from './video_engine.ts'
import { ViewSeat } from './view_seat.ts'
import { endOf, type StreamViewerOptions } from './viewer_options.ts'
import {
    type RecoveryCause,
    StreamQuality,
    type StreamViewerEvents,
    type StreamViewerSnapshot,
} from './viewer_types.ts'

export class ViewerMachine<View> {
    readonly seat: EngineSeat<View>
    readonly view: ViewSeat<View>
    readonly publishing: Publishing
    readonly #client: StreamClient
    readonly #sessionId: string
    readonly #emitter: Emitter<StreamViewerEvents>
    readonly #access: StreamAccess
    readonly #ladder: RecoveryLadder
    readonly #renewal: TokenRenewal
    readonly #driver: Driver<View>
    readonly #pictures: PictureWatch
    readonly #until = new Until()
    readonly #layers: LayerChoice
    #facts: ViewerFacts
    #snapshot: StreamViewerSnapshot
    #startedAt = 0
    #isSettling = false
    #isDirty = false
    /** The end was that of the connection, or of attempts that its loss may have failed. */
    #isTriedWhenRestored = false
    #isDisposed = false
    #ends: Unsubscribe[] = []

    constructor(client: StreamClient, options: StreamViewerOptions<View>, emitter: Emitter<StreamViewerEvents>) {
        const { sessionId, userId, userRole: role, engine, quality = StreamQuality.AUTO, generation } = options
        const { clock, random, serverClock } = client.core
        this.#client = client
        this.#sessionId = sessionId
        this.#emitter = emitter
        this.#layers = new LayerChoice(quality)
        this.#facts = { ...firstFacts(role, quality), wantedLayer: this.#layers.layer }
        this.#snapshot = snapshotOf(sessionId, this.#facts)
        const facts = () => this.#facts
        const set = (change: Partial<ViewerFacts>) => this.set(change)
        const trouble = (cause: RecoveryCause) => this.#trouble(cause)
        const shared = { clock, facts, set, trouble }
        const access = new StreamAccess({
            client,
            sessionId,
            userId,
            role,
            generation,
            onFacts: set,
            onToken: (token) => this.#renewal.take(token),
            onEnd: (error) => this.#end(error, true),
            onHosting: (uid) => this.#hosting(uid),
            onRestored: () => this.#isTriedWhenRestored && this.retry(),
        })
        const listener = hearing({
            ...shared,
            place: () => this.#place,
            end: (end) => this.#end(new StreamError(end === 'banned' ? 'banned' : 'superseded', `video: ${end}`)),
            onFrame: () => this.#framed(),
            onQuality: (measured) => this.#measured(measured),
            onTokenEnds: (hasEnded) => (hasEnded ? trouble('token_refused') : this.#renewal.willExpire()),
            onHostLeft: () => this.view.clear(),
        })
        this.seat = new EngineSeat(engine, clock, listener)
        this.view = new ViewSeat(() => this.seat.current)
        this.publishing = new Publishing({ facts, set, until: this.#until })
        this.#access = access
        this.#ladder = new RecoveryLadder({
            clock,
            random,
            onStep: (event) => emitter.emit('recovery', event),
            onChange: () => this.#climbed(),
            onExhausted: (cause) => this.#end(new StreamError('video_unavailable', `no picture: ${cause}`), true),
        })
        this.#renewal = new TokenRenewal({
            clock,
            random,
            serverNow: () => serverClock.now(),
            fetch: (signal) => access.fetchToken(this.#renewal.token === null, signal),
            apply: ({ token }, signal) => this.seat.call(signal, (it) => it.renewToken(token)),
            isInChannel: () => this.#facts.channel !== 'out',
            onChange: () => set({ hasToken: this.#renewal.token !== null, isTokenAwaited: this.#renewal.isAwaited }),
            onFailed: (error) => this.#tokenRefused(error),
            onNotTaken: () => trouble('token_refused'),
        })
        this.#pictures = new PictureWatch({
            ...shared,
            engine: () => this.seat.current,
            blackStep: () => (this.#ladder.cause === 'black' && this.#ladder.isDone ? this.#ladder.step : null),
            onBlackSource: () => this.#ladder.mended(),
        })
        this.#driver = new Driver({
            ...shared,
            seat: this.seat,
            view: this.view,
            ladder: this.#ladder,
            renewal: this.#renewal,
            announce: (signal) => access.announce(signal),
            onRefused: (error) => this.#end(error),
            onStep: () => this.#pictures.restart(),
        })
    }

    get facts(): ViewerFacts {
        return this.#facts
    }

    get snapshot(): StreamViewerSnapshot {
        return this.#snapshot
    }

    /** `onClosed`: the app has ended the connection itself. Throws where the client was disposed of. */
    start(onClosed: () => void): void {
        if (this.#facts.isStarted || this.#isDisposed) return
        const { wakes, clock } = this.#client.core
        this.#startedAt = clock.now()
        this.#access.open(onClosed)
        this.#ends = [wakes.on('sleep', () => this.#awake(false)), wakes.on('wake', () => this.#awake(true))]
        this.set({ isStarted: true, isAwake: wakes.isActive, isOnline: wakes.isOnline })
    }

    set(change: Partial<ViewerFacts>): void {
        if (this.#isDisposed) return
        const names = Object.keys(change) as (keyof ViewerFacts)[]
        if (names.every((name) => change[name] === this.#facts[name])) return
        const wasDenied = this.#facts.permission === 'denied'
        this.#facts = { ...this.#facts, ...change }
        this.#isDirty = true
        if (!this.#isSettling) this.#settle()
        if (!wasDenied && change.permission === 'denied') this.#denied()
    }

    setQuality(streamQuality: StreamQuality): void {
        this.set({ streamQuality, wantedLayer: this.#layers.choose(streamQuality) })
    }

    retry(): void {
        const { isStarted, end, permission } = this.#facts
        if (!isStarted || this.#isDisposed) return
        this.#ladder.hurry()
        const isDenied = permission === 'denied' && { permission: 'unknown' as const }
        if (end === null) return this.set({ ...isDenied })
        // What it was refused with is of no use; what another device has taken is another uid's.
        this.#renewal.forget()
        this.#isTriedWhenRestored = false
        this.set({ end: null, error: null, hasJoined: false, isAnnounced: false, ...isDenied })
        this.#access.reopen()
    }

    async dispose(): Promise<void> {
        this.set({ isStarted: false })
        this.#isDisposed = true
        for (const end of this.#ends) end()
        this.#access.close()
        this.#until.reject(new StreamError('disposed', 'the viewer was disposed of'))
        await this.#halt()
    }

    get #place(): 'out' | 'joining' | 'in' {
        if (this.#driver.isLeaving) return 'out'
        if (this.#facts.channel !== 'out') return 'in'
        return this.#driver.isJoining ? 'joining' : 'out'
    }

    /** What follows from the facts, until they stay as they are. */
    #settle(): void {
        this.#isSettling = true
        while (this.#isDirty && !this.#isDisposed) {
            this.#isDirty = false
            this.#mend()
            // The one who was taken over is out of sight at once, whatever else is under way.
            if (![null, 0, this.#facts.hostUid].includes(this.view.uid)) this.view.clear()
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
        const { phase } = next
        if (phase !== previous.phase) this.#emitter.emit('phase', { phase, previous: previous.phase })
        this.#emitter.emit('change', next)
    }

    #climbed(): void {
        const { step, isDone, isResting } = this.#ladder
        this.set({ step, isStepDone: isDone, isResting })
    }

    #trouble(cause: RecoveryCause): void {
        const { isStarted, end, isOnline } = this.#facts
        // Without a network nothing can be mended, and nothing counts; an engine that breaks needs none.
        if (!isStarted || end !== null || (!isOnline && cause !== 'engine_error')) return
        this.#driver.abortJoin()
        // What is drawn at the moment is the last of it.
        if (isOfChannel(cause) && this.#facts.channel === 'joined') this.set({ channel: 'interrupted' })
        this.#ladder.trouble(cause)
    }

    #framed(): void {
        if (this.#facts.firstFrameMs === null) {
            const afterMs = this.#client.core.clock.now() - this.#startedAt
            this.set({ firstFrameMs: afterMs })
            this.#emitter.emit('firstFrame', { afterMs })
        }
        this.#pictures.frame()
    }

    #measured(quality: VideoQuality): void {
        this.#access.connection?.meter.media(quality.packetLoss, quality.bandwidth)
        this.set({ quality, wantedLayer: this.#layers.measured(quality) })
    }

    /** A refusal that does not pass ends the viewer, whether the connection finds the same or not. */
    #tokenRefused(error: StreamError): void {
        if (isTerminal(error) || error.code === 'not_viewer') this.#access.report(error)
        if (isTerminal(error)) this.#end(error)
    }

    /** This device has started the stream anew: what it sends as the uid of before nobody is shown. */
    #hosting(uid: number): void {
        const { token } = this.#renewal
        if (token === null || token.uid === uid) return
        if (this.#facts.channel === 'out') this.#renewal.forget()
        else this.#trouble('token_refused')
    }

    #denied(): void {
        const error = new StreamError('devices_denied', 'camera or microphone were refused')
        this.#until.reject(error)
        this.#emitter.emit('error', error)
    }

    #awake(isWake: boolean): void {
        const { isActive, isOnline } = this.#client.core.wakes
        this.set({ isAwake: isActive, isOnline })
        if (!isWake || this.#facts.end !== null) return
        // Systems take the picture out of native views, and cameras from apps, that are not in front.
        if (this.#facts.capabilities?.viewVisibility === false) this.view.reattach()
        this.publishing.takeDevicesBack()
        if (this.#renewal.woken() && this.#facts.channel !== 'out') this.#trouble('token_refused')
        this.#ladder.hurry()
    }

    #end(error: StreamError, isTriedWhenRestored = false): void {
        if (this.#facts.end !== null) return
        const end = endOf(error)
        this.#isTriedWhenRestored = isTriedWhenRestored
        void this.#halt()
        this.#until.reject(error)
        const atRest = { step: null, isStepDone: false, isResting: false, isTokenAwaited: false }
        this.set({ ...WITHOUT_ENGINE, ...atRest, end, error: end === 'ended' ? null : error })
        if (end !== 'ended') this.#emitter.emit('error', error)
    }

    #halt(): Promise<void> {
        this.#ladder.stop()
        this.#renewal.stop()
        this.#pictures.stop()
        this.#driver.abort()
        this.view.clear()
        return this.seat.drop()
    }
}
