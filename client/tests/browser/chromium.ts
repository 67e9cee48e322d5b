/** Debian's Chromium for tests: the one place with its path and its launch options. */

import { type Browser, chromium } from 'playwright-core'

export const PROGRAM: string = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Of every browser that a test starts. */
export const COMMON_ARGUMENTS: readonly string[] = [
    // A camera that shows a moving pattern and a microphone that beeps.
    '--use-fake-device-for-media-stream',
    // Nothing beyond this machine is reached: Agora's SDK and the browser itself would try.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-domain-reliability',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-dev-shm-usage',
]

const AWAKE = [
    // Pages in the background keep their timers and frames: a test has several pages and one is in front.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
]

export const PERMISSIONS: Readonly<Record<'granted' | 'denied', string>> = {
    granted: '--use-fake-ui-for-media-stream',
    denied: '--deny-permission-prompts',
}

export interface ChromiumOptions {
    /** Whether sound may play in a page that nobody has touched; browsers of people say no. */
    soundWithoutTouch?: boolean
    /** The answer to whoever asks for camera and microphone; no dialogue is shown. */
    mediaPermission?: 'granted' | 'denied'
    /** Further arguments. */
    args?: readonly string[]
}

/** Starts it without a window. Root cannot have its sandbox. */
export function launchChromium({
    soundWithoutTouch = true,
    mediaPermission = 'granted',
    args = [],
}: ChromiumOptions = {}): Promise<Browser> {
    const policy = soundWithoutTouch ? 'no-user-gesture-required' : 'document-user-activation-required'
    return chromium.launch({
        executablePath: PROGRAM,
        headless: true,
        chromiumSandbox: process.getuid?.() !== 0,
        args: [...COMMON_ARGUMENTS, ...AWAKE, `--autoplay-policy=${policy}`, PERMISSIONS[mediaPermission], ...args],
    })
}
