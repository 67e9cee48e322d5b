/** What all connections of a client share. */

import type { Clock } from '../clock/clock.ts'
import type { ServerClock } from '../clock/server_clock.ts'
import type { Wakes } from '../lifecycle/wakes.ts'
import type { Random } from '../random/random.ts'
import type { Channels } from '../realtime/channels.ts'
import type { Transport } from '../transport/transport.ts'

export interface ConnectionParts {
    transport: Transport
    channels: Channels
    wakes: Wakes
    clock: Clock
    random: Random
    serverClock: ServerClock
}
