/** One stream on a fake server: enough of it for connections; the chat has a server of its own. */

import type * as Wire from '../../src/contract/wire.ts'
import { type FakeSupabase, Refused } from './fake_supabase.ts'

export const SESSION = '11111111-1111-4111-8111-111111111111'
export const USER = '22222222-2222-4222-8222-222222222222'

export class FakeStream {
    state: Wire.SyncResult['state'] = 'active'
    generation = 1
    headSeq = 3
    epoch = 'e1'
    viewerCount = 1
    oldestClient = '1.0'
    /** Who is signed in. */
    userId: string = USER
    nextInMs = 15_000
    /** What syncs and heartbeats carry as `poll_ms`. */
    pollMs: number | null = null
    /** Whether the viewer holds a lease. */
    isJoined = false
    isSuperseded = false
    joinNo = 0
    heartbeatToken: Wire.AgoraToken | null = null
    readonly #now: () => number

    constructor(supabase: FakeSupabase, now: () => number) {
        this.#now = now
        supabase.handlers = {
            join_stream: () => this.#join(),
            heartbeat: () => this.#heartbeat(),
            sync: () => this.sync(),
            remove_viewer: () => {
                this.isJoined = false
                return 'removed'
            },
        }
    }

    get serverTime(): string {
        return new Date(this.#now()).toISOString()
    }

    token(expiresInMs = 3_600_000): Wire.AgoraToken {
        return {
            token: `007-${this.#now()}`,
            channel_id: SESSION,
            uid: 7,
            expires_at: new Date(this.#now() + expiresInMs).toISOString(),
            privileges: { can_publish: false, can_subscribe: true, can_admin: false },
        }
    }

    sync(): Wire.SyncResult {
        return {
            session_id: SESSION,
            state: this.state,
            role: 'viewer',
            generation: this.generation,
            host_uid: 100 + this.generation,
            viewer_count: this.viewerCount,
            epoch: this.epoch,
            head_seq: this.headSeq,
            oldest_seq: 1,
            recovered: true,
            has_more: false,
            messages: [],
            read: [],
            unread_count: 0,
            cooldown_ms: 0,
            chat_mode: 'viewers',
            slow_mode_ms: 0,
            pinned_seq: null,
            pinned: null,
            restrictions: [],
            poll_ms: this.pollMs,
            server_time: this.serverTime,
            version: `${this.epoch}/${this.headSeq}/${this.state}/${this.viewerCount}/${this.pollMs}`,
            oldest_client: this.oldestClient,
        }
    }

    #join(): Wire.JoinResult {
        this.isJoined = true
        this.joinNo++
        const lease = {
            session_id: SESSION,
            user_id: this.userId,
            agora_uid: 7,
            join_no: this.joinNo,
            joined_at: this.serverTime,
        }
        return {
            lease,
            token: this.token(),
            retry_after_ms: null,
            sync: this.sync(),
            contract_version: '1.0',
            oldest_client: this.oldestClient,
        }
    }

    #heartbeat(): Wire.HeartbeatResult {
        if (this.state === 'ended') throw new Refused('stream_ended', 410)
        if (!this.isJoined) throw new Refused('not_viewer', 403)
        return {
            status: this.isSuperseded ? 'superseded' : 'ok',
            session_id: SESSION,
            state: this.state,
            generation: this.generation,
            host_uid: 100 + this.generation,
            epoch: this.epoch,
            head_seq: this.headSeq,
            viewer_count: this.viewerCount,
            reconnect_deadline: null,
            server_time: this.serverTime,
            next_in_ms: this.nextInMs,
            poll_ms: this.pollMs,
            token: this.heartbeatToken,
            oldest_client: this.oldestClient,
        }
    }
}
