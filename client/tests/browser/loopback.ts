/**
 * The loopback engine in a real browser, with real frames, over the signalling of a local stack.
 *
 * node tests/browser/loopback.ts --supabase-url URL --app-id ID [--only PART], with AGORA_CERTIFICATE in the environment.
 */

import { playAndExit } from './command_line.ts'
import { devices } from './loopback/devices.ts'
import { joining } from './loopback/joining.ts'
import { leaks } from './loopback/leaks.ts'
import { networks } from './loopback/networks.ts'
import { pictures } from './loopback/pictures.ts'

await playAndExit({ ...joining, ...pictures, ...networks, ...devices, ...leaks })
