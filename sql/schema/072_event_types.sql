-- Payloads of Realtime events: one composite for each, with its topic.
create type stream.state_event as (
    session_id uuid,
    seq bigint,
    state text,
    previous_state text,
    reason text,
    generation integer,
    host_uid integer,
    reconnect_deadline timestamptz,
    server_time timestamptz
);
comment on type stream.state_event is $$
The stream has another state, or another device of the seller streams.
@topic stream:<session_id>
@event state
$$;
comment on column stream.state_event.seq is 'The log entry that announced the state; it never moves the cursor of the chat.';
comment on column stream.state_event.state is '@enum initializing, active, paused, error, ended';
comment on column stream.state_event.previous_state is 'The same as state after a takeover that left it. @enum initializing, active, paused, error, ended';
comment on column stream.state_event.reason is 'Why it is in this state, where somebody said so. @null';
comment on column stream.state_event.generation is 'Which device of the seller streams; one more at every takeover.';
comment on column stream.state_event.host_uid is 'The only Agora uid whose video clients show.';
comment on column stream.state_event.reconnect_deadline is 'Until when a lost host may return; set in state error. @null';

create type stream.messages_event as (
    v integer,
    session_id uuid,
    epoch text,
    from_seq bigint,
    to_seq bigint,
    head_seq bigint,
    server_time timestamptz,
    messages stream.log_entry[],
    poll_ms integer,
    digest boolean
);
comment on type stream.messages_event is $$
A frame: the entries of the log from from_seq to to_seq, without a hole.
@topic chat:<session_id>
@event messages
$$;
comment on column stream.messages_event.v is 'The version of the form: 1.';
comment on column stream.messages_event.epoch is 'Another one than before: the database was restored, or another took over.';
comment on column stream.messages_event.head_seq is 'The newest number of the log when the frame was written.';
comment on column stream.messages_event.messages is 'In ascending seq, as in sync; none in a digest.';
comment on column stream.messages_event.poll_ms is
    'Frames come rarely at present: how often a client may call sync until the next one, in milliseconds. @null';
comment on column stream.messages_event.digest is
    'True: the entries are too many or too large for a frame. Call sync for from_seq to to_seq.';

create type stream.viewer_count_event as (
    session_id uuid,
    viewer_count integer,
    peak integer,
    server_time timestamptz
);
comment on type stream.viewer_count_event is $$
Another number of viewers than before.
@topic viewers:<session_id>
@event viewer_count
$$;
comment on column stream.viewer_count_event.peak is 'The most that the stream has had.';

create type stream.reaction_total as (kind text, total bigint, added bigint);
comment on type stream.reaction_total is 'The reactions of one kind to a stream: all of them, and those since the last broadcast.';
comment on column stream.reaction_total.total is 'Never falls while the stream lasts.';

create type stream.reactions_event as (session_id uuid, reactions stream.reaction_total[], server_time timestamptz);
comment on type stream.reactions_event is $$
Reactions came in: the totals of all kinds that the stream has had. A lost one costs nothing, since the next holds them too.
@topic viewers:<session_id>
@event reactions
$$;
comment on column stream.reactions_event.reactions is 'By ascending kind.';

create type stream.restriction_event as (
    session_id uuid,
    restriction text,
    is_in_force boolean,
    until timestamptz,
    server_time timestamptz
);
comment on type stream.restriction_event is $$
To the user whom it is about: restricted for a mute and for the end of a mute or ban, revoked for a ban.
@topic user:<user_id>
@event restricted, revoked
$$;
comment on column stream.restriction_event.restriction is '@enum mute, ban';
comment on column stream.restriction_event.is_in_force is 'False: it was lifted.';
comment on column stream.restriction_event.until is 'Null: until it is lifted, or lifted now. @null';

create type stream.live_event as (session_id uuid, auction_id uuid, state text, server_time timestamptz);
comment on type stream.live_event is $$
That a stream became active for the first time, or ended after that: ask get_live_stream what it is.
@topic live
@event live
$$;
comment on column stream.live_event.state is '@enum active, ended';

create type stream.canary_event as (canary_no bigint, server_time timestamptz);
comment on type stream.canary_event is $$
A sign that the way through Realtime is open, every ten seconds, for whoever watches it (config.canary_user_id).
@topic canary:<user_id>
@event canary
$$;
comment on column stream.canary_event.canary_no is 'One more with each.';

create type stream.token_expiring_event as (session_id uuid, expires_at timestamptz, server_time timestamptz);
comment on type stream.token_expiring_event is $$
To the user whose newest Agora token ends soon, 85 % of its life being over, once for each token: ask for another one.
@topic user:<user_id>
@event token_expiring
$$;
comment on column stream.token_expiring_event.expires_at is 'When the token ends.';

create type stream.resync_event as (session_id uuid, reason text, server_time timestamptz);
comment on type stream.resync_event is $$
What the client knows of this topic and stream may be out of date: call sync, on live list_live_streams.
@topic stream:<session_id>, chat:<session_id>, viewers:<session_id>, user:<user_id>, live
@event resync
$$;
comment on column stream.resync_event.reason is
    'missed_event: one could not be broadcast and is no longer true. new_epoch: the database was restored. @enum missed_event, new_epoch';
