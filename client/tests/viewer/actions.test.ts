/** The next action of a viewer, for each set of facts that decides it. */

import { describe, expect, it } from 'vitest'
import { type Action, nextAction } from '../../src/viewer/actions.ts'
import type { ViewerFacts } from '../../src/viewer/facts.ts'
import { CAPABILITIES, host, playing, sending } from './facts.ts'

type Case = [action: Action | null, change: Partial<ViewerFacts>]

const OUT: Partial<ViewerFacts> = { channel: 'out', present: new Map(), subscribed: null, layer: null, picture: 'none' }

const BUYERS: Case[] = [
    [null, {}],
    [null, { isStarted: false, ...OUT }],
    [null, { end: 'failed', ...OUT }],
    [{ do: 'join' }, OUT],
    [null, { ...OUT, isOnline: false }],
    [null, { ...OUT, isResting: true }],
    [null, { channel: 'interrupted', subscribed: null }],
    // Its token comes with the place in the stream.
    [null, { ...OUT, hasToken: false, connectionState: 'connecting' }],
    [{ do: 'token' }, { ...OUT, hasToken: false }],
    [null, { ...OUT, hasToken: false, isTokenAwaited: true }],
    [{ do: 'subscribe', uid: 101 }, { subscribed: null }],
    [null, { subscribed: null, hostUid: null }],
    [null, { subscribed: null, present: new Map() }],
    [{ do: 'unsubscribe', uid: 101 }, { streamState: 'paused' }],
    [null, { streamState: 'paused', subscribed: null }],
    // Only the host of the current generation is received.
    [{ do: 'unsubscribe', uid: 101 }, { hostUid: 102 }],
    [null, { hostUid: 102, subscribed: null }],
    [{ do: 'layer' }, { wantedLayer: 'low' }],
    [{ do: 'layer' }, { layer: null }],
    [null, { layer: null, capabilities: { ...CAPABILITIES, layers: false } }],
    [null, { layer: null, subscribed: null, present: host(), hostUid: 9 }],
    // Recovery or not: nobody else is received.
    [
        { do: 'unsubscribe', uid: 101 },
        { hostUid: 102, step: 'rejoin' },
    ],
    [
        { do: 'unsubscribe', uid: 101 },
        { hostUid: 102, isResting: true },
    ],
    [
        { do: 'unsubscribe', uid: 101 },
        { streamState: 'paused', step: 'resubscribe' },
    ],
    // Recovery goes first.
    [
        { do: 'step', step: 'rejoin' },
        { step: 'rejoin', wantedLayer: 'low' },
    ],
    [{ do: 'layer' }, { step: 'rejoin', isStepDone: true, wantedLayer: 'low' }],
]

const SILENT: Partial<ViewerFacts> = { isPublished: false, isPreviewing: false, channel: 'out' }

const SELLERS: Case[] = [
    [null, {}],
    [null, { ...SILENT, wants: 'nothing' }],
    [{ do: 'permissions' }, { ...SILENT, permission: 'unknown' }],
    [null, { ...SILENT, permission: 'denied' }],
    [{ do: 'preview' }, SILENT],
    [{ do: 'preview' }, { ...SILENT, wants: 'preview' }],
    [null, { ...SILENT, isPreviewing: true, wants: 'preview' }],
    [{ do: 'token' }, { ...SILENT, isPreviewing: true, hasToken: false, connectionState: 'connecting' }],
    [{ do: 'join' }, { ...SILENT, isPreviewing: true }],
    [{ do: 'publish' }, { isPublished: false }],
    [null, { isPublished: false, streamState: 'paused' }],
    [{ do: 'unpublish' }, { streamState: 'paused' }],
    [{ do: 'announce' }, { streamState: 'initializing', isAnnounced: false }],
    [null, { streamState: 'initializing' }],
    [{ do: 'unpublish' }, { wants: 'nothing' }],
    [{ do: 'leave' }, { wants: 'nothing', isPublished: false }],
    [{ do: 'stop_preview' }, { wants: 'nothing', isPublished: false, channel: 'out' }],
    [{ do: 'unpublish' }, { wants: 'preview' }],
    [{ do: 'device', source: 'camera' }, { wantedDevices: { camera: false, microphone: true } }],
    // A camera that is to stay off is not opened.
    [
        { do: 'device', source: 'camera' },
        { ...SILENT, wantedDevices: { camera: false, microphone: true } },
    ],
    [{ do: 'device', source: 'microphone' }, { toldDevices: { camera: true, microphone: null } }],
]

describe('the next action of a buyer', () => {
    it.each(BUYERS)('is %o', (action, change) => {
        expect(nextAction(playing(change))).toEqual(action)
    })
})

describe('the next action of a seller', () => {
    it.each(SELLERS)('is %o', (action, change) => {
        expect(nextAction(sending(change))).toEqual(action)
    })
})
