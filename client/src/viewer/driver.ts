/** Carries out what `nextAction` asks for, one action at a time, and what comes of it. */

import type { Clock } from '../clock/clock.ts'
import { within } from '../clock/deadline.ts'
import { StreamError, toStreamError } from '../error/stream_error.ts'
import { type Action, nextAction } from './actions.ts'
import type { EngineSeat } from './engine_seat.ts'
import { NEW_SENDER, OUTSIDE, type ViewerFacts, WITHOUT_ENGINE } from './facts.ts'
import type { RecoveryLadder } from './recovery_ladder.ts'
import type { TokenRenewal } from './token_renewal.ts'
import type { LocalSource } from './video_engine.ts'
import type { ViewSeat } from './view_seat.ts'
import type { RecoveryCause, RecoveryStep } from './viewer_types.ts'

/** What a rung of recovery waits for a token; calls may repeat themselves for longer. */
const TOKEN_WITHIN_MS = 10_000

export interface DriverOptions<View> {
    clock: Clock
    seat: EngineSeat<View>
    view: ViewSeat<View>
    ladder: RecoveryLadder
    renewal: TokenRenewal
    facts: () => ViewerFacts
    set: (change: Partial<ViewerFacts>) => void
    trouble: (cause: RecoveryCause) => void
    /** Tells the service that the seller is live, however long that takes; rejects where it is refused for good. */
    announce: (signal: AbortSignal) => Promise<void>
    onRefused: (error: StreamError) => void
    /** A picture may take its whole time again. */
    onStep: () => void
}

const LEAVES: readonly RecoveryStep[] = ['rejoin', 'new_engine']

export class Driver<View> {
    readonly #options: DriverOptions<View>
    #running: { action: Action; controller: AbortController } | null = null

    constructor(options: DriverOptions<View>) {
        this.#options = options
    }

    get isJoining(): boolean {
        return this.#running?.action.do === 'join'
    }

    /** Whether the channel is being left, whatever the engine says of it. */
    get isLeaving(): boolean {
        const action = this.#running?.action
        return action?.do === 'leave' || (action?.do === 'step' && LEAVES.includes(action.step))
    }

    /** Goes on where there is something to do; an announcement, which may take long, gives way to it. */
    wake(): void {
        const action = this.#running?.action.do
        if (action === undefined) void this.#drive()
        else if (action === 'announce' && nextAction(this.#options.facts())?.do !== action) this.abort()
    }

    /** Ends a join under way: recovery begins with something else. */
    abortJoin(): void {
        if (this.isJoining) this.#running?.controller.abort()
    }

    /** Ends whatever is under way. */
    abort(): void {
        this.#running?.controller.abort()
    }

    async #drive(): Promise<void> {
        const { facts } = this.#options
        for (let action = nextAction(facts()); action !== null; action = nextAction(facts())) {
            const controller = new AbortController()
            this.#running = { action, controller }
            try {
                await this.#perform(action, controller.signal)
            } catch {
                // An engine that throws where it should not is broken.
                this.#options.trouble('engine_error')
            } finally {
                this.#running = null
            }
        }
    }

    async #perform(action: Action, signal: AbortSignal): Promise<void> {
        const { seat, set, facts, renewal, view } = this.#options
        switch (action.do) {
            case 'token':
                // Whoever asks for tokens tells of their refusal.
                return renewal.request().catch(() => {})
            case 'join':
                return this.#join(signal)
            case 'leave':
                return this.#leave()
            case 'subscribe':
                return this.#subscribe(action.uid, signal)
            case 'unsubscribe':
                return this.#unsubscribe(action.uid, signal)
            case 'layer': {
                const { subscribed, wantedLayer: layer } = facts()
                if (subscribed !== null)
                    await this.#try(() => seat.call(signal, (engine) => engine.setLayer(subscribed, layer)))
                return set({ layer })
            }
            case 'permissions':
                return this.#permissions(signal)
            case 'preview':
                return this.#begin(signal, { isPreviewing: true }, async () => {
                    set({ capabilities: seat.take().capabilities })
                    view.show(0)
                    await seat.ask(signal, (engine) => engine.startPreview())
                    // A preview may open what is to stay off.
                    const { wantedDevices, toldDevices } = facts()
                    const told = (source: LocalSource) => (wantedDevices[source] ? toldDevices[source] : null)
                    set({ toldDevices: { camera: told('camera'), microphone: told('microphone') } })
                })
            case 'stop_preview':
                await this.#try(() => seat.call(signal, (engine) => engine.stopPreview()))
                view.clear()
                return set({ isPreviewing: false, picture: 'none' })
            case 'publish':
                return this.#begin(signal, { isPublished: true }, () => seat.call(signal, (engine) => engine.publish()))
            case 'unpublish':
                await this.#try(() => seat.call(signal, (engine) => engine.unpublish()))
                return set({ isPublished: false })
            case 'announce':
                return this.#announce(signal)
            case 'device':
                return this.#device(action.source, signal)
            case 'step':
                return this.#step(action.step, signal)
        }
    }

    async #join(signal: AbortSignal): Promise<void> {
        const { seat, renewal, set, facts, trouble } = this.#options
        const token = renewal.given()
        if (token === null) return set({ hasToken: false })
        const role = facts().role === 'seller' ? 'host' : 'audience'
        try {
            set({ capabilities: seat.take().capabilities })
            await seat.join({ channelId: token.channelId, token: token.token, uid: token.uid, role }, signal)
        } catch (thrown) {
            this.#left()
            if (!signal.aborted) trouble(joinCause(thrown))
            return
        }
        // Called off after it had succeeded: the next join is of a viewer that is in no channel.
        if (signal.aborted) return this.#leave()
        set({ channel: 'joined', hasJoined: true })
        renewal.catchUp()
        const { audioRoute, capabilities } = facts()
        if (audioRoute === 'default' || capabilities?.audioRoutes !== true) return
        await this.#try(() => seat.call(signal, (engine) => engine.setAudioRoute(audioRoute)))
    }

    async #leave(): Promise<void> {
        await this.#options.seat.leave()
        this.#left()
    }

    #left(): void {
        const { seat, view, set, facts } = this.#options
        if (facts().role === 'buyer' || seat.current === null) view.clear()
        set(seat.current === null ? WITHOUT_ENGINE : OUTSIDE)
    }

    /** The view comes first: a first frame without a view is one that nobody sees. */
    async #subscribe(uid: number, signal: AbortSignal): Promise<void> {
        const { seat, view, set, facts } = this.#options
        view.show(uid)
        seat.current?.setVolume(uid, facts().isMuted ? 0 : 1)
        await this.#try(() => seat.call(signal, (engine) => engine.subscribe(uid)))
        if (!facts().present.has(uid)) return
        const sender = { ...NEW_SENDER, ...facts().present.get(uid), isStopped: false }
        const present = new Map(facts().present).set(uid, sender)
        set({ subscribed: uid, picture: 'none', layer: null, present })
    }

    async #unsubscribe(uid: number, signal: AbortSignal, isBlack = false): Promise<void> {
        const { seat, view, set } = this.#options
        view.clear()
        await this.#try(() => seat.call(signal, (engine) => engine.unsubscribe(uid)))
        set({ subscribed: null, picture: 'none', isBlack, layer: null })
    }

    async #permissions(signal: AbortSignal): Promise<void> {
        const { seat, set } = this.#options
        const change: { permission: ViewerFacts['permission'] } = { permission: 'granted' }
        await this.#begin(signal, change, async () => {
            set({ capabilities: seat.take().capabilities })
            const { camera, microphone } = await seat.ask(signal, (engine) => engine.requestPermissions())
            if (camera !== 'granted' || microphone !== 'granted') change.permission = 'denied'
        })
    }

    async #device(source: LocalSource, signal: AbortSignal): Promise<void> {
        const { seat, set, facts } = this.#options
        const isOn = facts().wantedDevices[source]
        const toldDevices = { ...facts().toldDevices, [source]: isOn }
        // A device that was let go of may ask its user again.
        const run = isOn ? seat.ask.bind(seat) : seat.call.bind(seat)
        await this.#begin(signal, { toldDevices }, () =>
            run(signal, (engine) => (source === 'camera' ? engine.setCamera(isOn) : engine.setMicrophone(isOn)))
        )
        set({ toldDevices })
    }

    async #announce(signal: AbortSignal): Promise<void> {
        const { announce, set, onRefused } = this.#options
        try {
            await announce(signal)
            set({ isAnnounced: true })
        } catch (thrown) {
            if (!signal.aborted) onRefused(toStreamError(thrown))
        }
    }

    /** One rung of recovery. */
    async #step(step: RecoveryStep, signal: AbortSignal): Promise<void> {
        const { clock, seat, view, ladder, renewal, set, onStep } = this.#options
        const { attempt, cause } = ladder
        let goesOn = false
        if (step === 'reattach_view') view.reattach()
        if (step === 'resubscribe') await this.#resubscribe(signal)
        if (step === 'new_token') {
            // A token that was refused may have ended the channel, which only a join brings back.
            goesOn = cause === 'token_refused'
            await within(clock, TOKEN_WITHIN_MS, signal, () => renewal.request()).catch(() => {
                goesOn = true
            })
        }
        if (step === 'rejoin') await this.#leave()
        if (step === 'new_engine') {
            view.clear()
            await seat.drop()
            set(WITHOUT_ENGINE)
        }
        if (signal.aborted) return
        onStep()
        ladder.performed(attempt, goesOn)
    }

    async #resubscribe(signal: AbortSignal): Promise<void> {
        const { seat, facts, set } = this.#options
        const { role, subscribed, isPublished } = facts()
        if (role === 'buyer' && subscribed !== null) {
            // The next action subscribes. A black picture is black until it is seen that it is not.
            await this.#unsubscribe(subscribed, signal, facts().isBlack)
        }
        if (role === 'seller' && isPublished) {
            await this.#try(() => seat.call(signal, (engine) => engine.unpublish()))
            set({ isPublished: false })
        }
    }

    /** An action that must succeed; where it does not, another engine has to. */
    async #begin(signal: AbortSignal, change: Partial<ViewerFacts>, run: () => Promise<void>): Promise<void> {
        const { set, trouble } = this.#options
        try {
            await run()
            if (!signal.aborted) set(change)
        } catch (thrown) {
            if (signal.aborted) return
            if (reasonOf(thrown) === 'permission') set({ permission: 'denied' })
            else if (this.#options.facts().permission !== 'denied') trouble('engine_error')
        }
    }

    /** An action whose failure shows by itself. */
    async #try(run: () => Promise<void>): Promise<void> {
        try {
            await run()
        } catch {
            // Pictures or sound that do not come are noticed where they are expected.
        }
    }
}

function joinCause(thrown: unknown): RecoveryCause {
    const reason = reasonOf(thrown)
    if (reason === 'token_expired' || reason === 'token_invalid') return 'token_refused'
    return thrown instanceof StreamError && thrown.code === 'timed_out' ? 'join_timeout' : 'join_failed'
}

/** Engines say why they fail; those that do not are taken for broken. */
function reasonOf(thrown: unknown): unknown {
    return (thrown as { reason?: unknown } | null)?.reason
}
