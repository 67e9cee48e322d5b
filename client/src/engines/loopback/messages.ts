/** What goes over the signalling socket of the local stack, and what two peers send each other through it. */

import type { VideoLayer, VideoRole } from '../../viewer/video_engine.ts'

export interface Peer {
    uid: number
    role: VideoRole
}

/** The place that a token admits to. */
export interface Place {
    channel: string
    uid: number
    role: VideoRole
    token: string
}

export type Refusal =
    | 'token_invalid'
    | 'token_expired'
    | 'other_channel'
    | 'other_uid'
    | 'not_publisher'
    | 'taken_over'
    | 'full'
    | 'malformed'
    | 'unavailable'

export type End = 'taken_over' | 'token_expired' | 'too_slow' | 'restart'

export type Request = { join: Place } | { renew: { token: string } } | { signal: { to: number; data: Signal } }

/** A message of the server has one of these members. */
export interface Message {
    joined?: { peers: Peer[] }
    renewed?: object
    refused?: { reason: Refusal }
    peer_joined?: Peer
    peer_left?: { uid: number }
    signal?: { from: number; data: Signal }
    token_will_expire?: object
    alive?: object
    ended?: { reason: End }
}

/** `id` names one attempt to receive: what belongs to an older one is passed over. */
export type Signal =
    | { kind: 'subscribe'; id: string; layer: VideoLayer }
    | { kind: 'unsubscribe'; id: string }
    | { kind: 'layer'; id: string; layer: VideoLayer }
    | { kind: 'offer'; id: string; sdp: string }
    | { kind: 'answer'; id: string; sdp: string }
    | { kind: 'candidate'; id: string; candidate: RTCIceCandidateInit }
    /** What the host sends at present. */
    | { kind: 'sends'; video: boolean; audio: boolean }
