// The part of the official builder and parser that the demo uses; the package types only its builders.
declare module 'agora-token/src/AccessToken2.js' {
    interface Service {
        service_type(): number
        readonly __privileges: Record<string, number>
        readonly __channel_name?: string | Buffer
        readonly __uid?: string | Buffer
    }
    class AccessToken2 {
        constructor(appId: string, certificate: string, issuedAt: number, expiresIn: number)
        appId: string | Buffer
        issueTs: number
        expire: number
        services: Service[]
        from_string(token: string): boolean
    }
    const library: { AccessToken2: typeof AccessToken2 }
    export default library
}
