/** react-native-agora on no device: one engine for the whole module, as there. Notes every call, and says what a test lets it say. */

import type {
    AgoraEventHandler,
    AgoraMediaOptions,
    AgoraReactNativeSdk,
    AgoraRtcEngine,
} from '../../src/engines/agora_react_native/sdk.ts'

type Method = Exclude<keyof AgoraRtcEngine, 'registerEventHandler' | 'unregisterEventHandler'>

export class FakeAgoraNative implements AgoraReactNativeSdk {
    /** `name(arguments)` of every call, in order. */
    readonly calls: string[] = []
    /** What a method returns instead of 0. */
    readonly codes: Partial<Record<Method, number>> = {}
    readonly handlers: AgoraEventHandler[] = []
    readonly #engine: AgoraRtcEngine = this.#make()
    options: AgoraMediaOptions = {}
    enginesMade = 0

    get say(): AgoraEventHandler {
        const handler = this.handlers.at(-1)
        if (handler === undefined) throw new Error('nobody listens')
        return handler
    }

    names(): string[] {
        return this.calls.map((call) => call.replace(/\(.*/, ''))
    }

    /** The same one always. */
    createAgoraRtcEngine(): AgoraRtcEngine {
        this.enginesMade++
        return this.#engine
    }

    #make(): AgoraRtcEngine {
        const registration = {
            registerEventHandler: (handler: AgoraEventHandler) => {
                this.handlers.push(handler)
                return true
            },
            unregisterEventHandler: (handler: AgoraEventHandler) => {
                const at = this.handlers.indexOf(handler)
                if (at >= 0) this.handlers.splice(at, 1)
                return at >= 0
            },
            // Whoever listens hears nothing any more, whoever it is.
            release: () => {
                this.calls.push('release()')
                this.handlers.length = 0
            },
        }
        return new Proxy(registration as unknown as AgoraRtcEngine, {
            get: (target, name) => {
                // No promise, though every other name is a method.
                if (name === 'then') return undefined
                if (name in target) return target[name as keyof AgoraRtcEngine]
                return (...args: unknown[]) => {
                    this.calls.push(`${String(name)}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`)
                    if (name === 'joinChannel') this.options = args[3] as AgoraMediaOptions
                    return this.codes[name as Method] ?? 0
                }
            },
        })
    }
}
