/** The phase of a viewer, for each set of facts that decides it. */

import { describe, expect, it } from 'vitest'
import { firstFacts, type ViewerFacts } from '../../src/viewer/facts.ts'
import { phaseOf } from '../../src/viewer/phase.ts'
import type { ViewerPhase } from '../../src/viewer/viewer_types.ts'
import { host, playing, sending } from './facts.ts'

type Case = [phase: ViewerPhase, change: Partial<ViewerFacts>]

const BUYERS: Case[] = [
    ['playing', {}],
    ['idle', { isStarted: false }],
    ['ended', { end: 'ended' }],
    ['failed', { end: 'failed', streamState: 'paused' }],
    ['taken_over', { end: 'taken_over' }],
    ['token', { channel: 'out', hasJoined: false, hasToken: false }],
    ['joining', { channel: 'out', hasJoined: false }],
    ['reconnecting', { channel: 'out' }],
    ['reconnecting', { channel: 'out', hasJoined: false, step: 'rejoin' }],
    ['reconnecting', { channel: 'interrupted' }],
    ['reconnecting', { isResting: true, picture: 'frozen' }],
    ['reconnecting', { step: 'new_engine', picture: 'none' }],
    ['frozen', { step: 'resubscribe', picture: 'frozen' }],
    ['paused', { streamState: 'paused', channel: 'interrupted' }],
    ['host_away', { present: new Map() }],
    ['host_away', { hostUid: 102 }],
    ['host_away', { hostUid: null }],
    ['host_away', { streamState: 'error', picture: 'frozen' }],
    ['host_away', { streamState: 'error', picture: 'none' }],
    // The server has lost the host's heartbeats, and the picture comes all the same.
    ['playing', { streamState: 'error' }],
    ['hidden', { hasView: false }],
    ['hidden', { isViewVisible: false }],
    ['hidden', { isAwake: false }],
    ['camera_off', { present: host({ hasCamera: false }) }],
    ['camera_off', { isBlack: true }],
    ['camera_off', { isBlack: true, picture: 'frozen' }],
    ['frozen', { present: host({ isFallback: true }) }],
    ['frozen', { picture: 'frozen' }],
    ['first_frame', { picture: 'none' }],
    // The connection to the stream has a state of its own.
    ['playing', { connectionState: 'reconnecting' }],
]

const SELLERS: Case[] = [
    ['publishing', {}],
    ['idle', { isStarted: false }],
    ['idle', { wants: 'nothing' }],
    ['idle', { wants: 'preview', isPreviewing: false }],
    ['preview', { wants: 'preview' }],
    ['permission_denied', { permission: 'denied' }],
    ['interrupted', { devices: { camera: 'interrupted', microphone: 'live' } }],
    ['interrupted', { devices: { camera: 'live', microphone: 'interrupted' } }],
    ['token', { channel: 'out', hasJoined: false, hasToken: false, isPublished: false }],
    ['joining', { channel: 'out', hasJoined: false, isPublished: false }],
    ['joining', { isPublished: false }],
    ['reconnecting', { channel: 'out', isPublished: false }],
    ['reconnecting', { channel: 'interrupted' }],
    ['paused', { streamState: 'paused', isPublished: false }],
    ['camera_off', { wantedDevices: { camera: false, microphone: true } }],
    ['camera_off', { devices: { camera: 'off', microphone: 'live' } }],
    ['frozen', { picture: 'frozen' }],
    ['taken_over', { end: 'taken_over' }],
    // Nobody sees the host but the host: a preview without a view sends all the same.
    ['publishing', { hasView: false }],
]

describe('the phase of a buyer', () => {
    it.each(BUYERS)('is %s', (phase, change) => {
        expect(phaseOf(playing(change))).toBe(phase)
    })
})

describe('the phase of a seller', () => {
    it.each(SELLERS)('is %s', (phase, change) => {
        expect(phaseOf(sending(change))).toBe(phase)
    })
})

it('is idle before the start, for both', () => {
    expect(phaseOf(firstFacts('buyer', 'auto'))).toBe('idle')
    expect(phaseOf(firstFacts('seller', 'auto'))).toBe('idle')
})
