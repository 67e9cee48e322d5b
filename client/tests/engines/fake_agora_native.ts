/** react-native-agora on no device: notes every call, and says what a test lets it say. */

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

    createAgoraRtcEngine(): AgoraRtcEngine {
        this.enginesMade++
        const registration = {
            registerEventHandler: (handler: AgoraEventHandler) => {
                this.handlers.push(handler)
                return true
            },
            unregisterEventHandler: (handler: AgoraEventHandler) => {
                this.handlers.splice(this.handlers.indexOf(handler), 1)
                return true
            },
        }
        return new Proxy(registration as AgoraRtcEngine, {
            get: (target, name) => {
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
