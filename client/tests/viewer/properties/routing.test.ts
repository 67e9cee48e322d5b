/** Property 4 of the design: the seller's video reaches every buyer, and no screen is black. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeClock, FakeVideoNetwork } from '../../../src/testing.ts'
import { SESSION } from '../../fakes/fake_stream.ts'
import { HOST, viewerBench } from '../viewer_bench.ts'
import { type Eye, eye, LOOK_MS } from './eye.ts'
import { HANGS_MS, RUNS } from './runs.ts'

type Turn =
    | { kind: 'camera' | 'microphone' | 'pause' | 'rotate' | 'impostor' | 'host_returns' }
    | { kind: 'black' | 'freeze'; isOn: boolean }
    | { kind: 'undrawn' | 'black_here'; buyer: number; rung: number }
    | { kind: 'hide'; buyer: number; isOn: boolean }
    | { kind: 'late_buyer' }

const RUNGS = ['reattach_view', 'resubscribe', 'new_token', 'rejoin', 'new_engine'] as const

const turn: fc.Arbitrary<Turn> = fc.oneof(
    fc.record({
        kind: fc.constantFrom('camera' as const, 'microphone', 'pause', 'rotate', 'impostor', 'host_returns'),
    }),
    fc.record({ kind: fc.constantFrom('black' as const, 'freeze'), isOn: fc.boolean() }),
    fc.record({ kind: fc.constant('undrawn' as const), buyer: fc.nat(2), rung: fc.nat(4) }),
    fc.record({ kind: fc.constant('black_here' as const), buyer: fc.nat(2), rung: fc.nat(1) }),
    fc.record({ kind: fc.constant('hide' as const), buyer: fc.nat(2), isOn: fc.boolean() }),
    fc.constant({ kind: 'late_buyer' as const })
)

/** A seller and buyers on one clock and one network, each with a client of its own. */
async function auction(count: number) {
    const clock = new FakeClock()
    const network = new FakeVideoNetwork()
    const seller = viewerBench({ role: 'seller', clock, engine: { network, frameMs: 400 } })
    const buyers: Eye[] = []
    const join = () => {
        const buyer = eye({ clock, host: false, seed: buyers.length + 2, engine: { network } })
        buyer.stream.state = seller.stream.state
        buyers.push(buyer)
        buyer.viewer.start()
    }
    for (let at = 0; at < count; at++) join()
    seller.viewer.start()
    const live = seller.viewer.goLive()
    await clock.advance(2_000)
    await live
    for (const buyer of buyers) buyer.say('active')
    const watch = async (ms: number) => {
        for (let at = 0; at < ms; at += LOOK_MS) {
            await clock.advance(LOOK_MS)
            for (const buyer of buyers) buyer.look()
        }
    }
    return { clock, network, seller, buyers, join, watch }
}

type Auction = Awaited<ReturnType<typeof auction>>

async function play(of: Auction, what: Turn): Promise<void> {
    const { network, seller, buyers, clock } = of
    const sender = () => network.channel(SESSION).senders.get(HOST)
    const settled = async (promise: Promise<void>) => {
        promise.catch(() => {})
        await clock.advance(20)
    }
    const buyer = 'buyer' in what ? buyers[what.buyer % buyers.length] : undefined
    switch (what.kind) {
        case 'camera':
            return settled(seller.viewer.setCamera(!seller.snapshot.videoEnabled))
        case 'microphone':
            return settled(seller.viewer.setMicrophone(!seller.snapshot.audioEnabled))
        case 'pause': {
            const state = seller.stream.state === 'paused' ? 'active' : 'paused'
            for (const one of [seller, ...buyers]) one.say(state)
            return
        }
        case 'rotate':
            return sender()?.rotate()
        case 'impostor':
            network.host(SESSION, 666).rotate()
            return
        case 'host_returns':
            return seller.engines.current.emit('connection', { state: 'failed', reason: 'lost' })
        case 'black':
            return sender()?.black(what.isOn)
        case 'freeze':
            return sender()?.freeze(what.isOn)
        case 'undrawn':
            if (buyer) buyer.engines.faults.undrawn = RUNGS[what.rung] ?? null
            return
        case 'black_here':
            if (buyer) buyer.engines.faults.black = RUNGS[what.rung] ?? null
            return
        case 'hide':
            if (buyer) buyer.engines.faults.isHidden = what.isOn
            return
        case 'late_buyer':
            if (buyers.length < 3) of.join()
    }
}

describe('Feature: streaming-realtime-fixes, Property 4: Video Stream Routing Consistency', () => {
    it(
        'For any active stream with connected buyers, video is routed from seller to all buyers without black screens',
        async () => {
            const turns = fc.array(fc.tuple(turn, fc.integer({ min: 0, max: 12_000 })), { maxLength: 8 })
            await fc.assert(
                fc.asyncProperty(fc.integer({ min: 1, max: 3 }), turns, async (count, list) => {
                    const of = await auction(count)
                    await of.watch(1_000)
                    for (const [what, pauseMs] of list) {
                        await play(of, what)
                        await of.watch(pauseMs)
                    }
                    // Everything that may go on for ever ends; what the ladder mends is left to it.
                    const { seller, buyers, network, watch } = of
                    await play(of, { kind: 'black', isOn: false })
                    await play(of, { kind: 'freeze', isOn: false })
                    if (seller.stream.state === 'paused') await play(of, { kind: 'pause' })
                    if (!seller.snapshot.videoEnabled) await play(of, { kind: 'camera' })
                    for (const buyer of buyers) buyer.engines.faults.isHidden = false
                    await of.clock.advance(40_000)
                    await watch(10_000)
                    expect(seller.snapshot.phase).toBe('publishing')
                    expect(buyers.map(({ snapshot }) => snapshot.phase)).toEqual(buyers.map(() => 'playing'))
                    expect(network.channel(SESSION).senders.has(HOST)).toBe(true)
                    for (const { engines } of [seller, ...buyers]) {
                        expect(engines.engines.map(({ doubleJoins }) => doubleJoins)).toEqual(
                            engines.engines.map(() => 0)
                        )
                        const calls = engines.engines.flatMap(({ calls }) => calls)
                        expect(calls.filter((call) => call.includes(' 666'))).toEqual([])
                    }
                    for (const one of [seller, ...buyers]) await one.end()
                    expect(of.clock.pending).toBe(0)
                }),
                RUNS
            )
        },
        HANGS_MS
    )
})
