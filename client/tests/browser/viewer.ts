/**
 * The stream viewer in a real browser, over the real client and the loopback engine, on a local stack.
 *
 * node tests/browser/viewer.ts --supabase-url URL --anon-key KEY [--only PART]
 */

import { playAndExit } from './command_line.ts'
import { viewing } from './viewer/scenes.ts'

await playAndExit(viewing)
