-- Stream sessions and the viewers of each.
create table stream.stream_sessions (
    id uuid not null,
    seller_id uuid not null,
    auction_id uuid not null,
    channel_id text not null,
    state text not null default 'initializing',
    state_reason text,
    state_seq bigint not null default 0,
    state_changed_at timestamptz not null default now(),
    generation integer not null default 1,
    viewer_count integer not null default 0,
    peak_viewer_count integer not null default 0,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz,
    host_seen_at timestamptz,
    host_heartbeat_at timestamptz,
    state_before_error text,
    reconnect_deadline timestamptz,
    reconnect_window_s integer not null default 60,
    host_token_issued_at timestamptz,
    host_token_expires_at timestamptz,
    host_token_held_until timestamptz,
    host_token_tat timestamptz,
    state_moves_tat timestamptz,
    check_at timestamptz default now(),
    is_cleaned boolean not null default false,
    counted_seq bigint not null default 0,
    counted_uid integer not null default 0,
    message_count bigint not null default 0,
    deleted_message_count bigint not null default 0,
    unique_viewers bigint not null default 0,
    watch_ms bigint not null default 0,
    chat_mode text not null default 'viewers',
    slow_mode_ms integer not null default 0,
    pinned_seq bigint,
    metadata jsonb not null default '{}',
    superseded_count integer not null default 0,
    constraint stream_sessions_pkey primary key (id),
    constraint stream_sessions_channel_id_key unique (channel_id),
    -- Agora's channel alphabet without blanks; 63 bytes satisfies every version of Agora's documentation.
    constraint stream_sessions_channel_id_check check (channel_id ~ '^[0-9A-Za-z_.:-]{1,63}$'),
    constraint stream_sessions_state_check check (state in ('initializing', 'active', 'paused', 'ended', 'error')),
    constraint stream_sessions_state_reason_check check (length(state_reason) <= 200),
    -- Below the first viewer uid (1,000,000), because the host's Agora uid is the generation.
    constraint stream_sessions_generation_check check (generation between 1 and 999999),
    constraint stream_sessions_viewer_count_check check (viewer_count >= 0),
    constraint stream_sessions_peak_viewer_count_check check (peak_viewer_count >= viewer_count),
    constraint stream_sessions_ended_at_check check ((state = 'ended') = (ended_at is not null)),
    constraint stream_sessions_state_before_error_check
        check ((state = 'error') = (state_before_error is not null)),
    constraint stream_sessions_reconnect_deadline_check check ((state = 'error') = (reconnect_deadline is not null)),
    constraint stream_sessions_reconnect_window_s_check check (reconnect_window_s between 0 and 1800),
    constraint stream_sessions_check_at_check check ((state = 'ended') = (check_at is null)),
    constraint stream_sessions_chat_mode_check check (chat_mode in ('viewers', 'verified', 'hosts', 'nobody')),
    constraint stream_sessions_slow_mode_ms_check check (slow_mode_ms between 0 and 3600000),
    constraint stream_sessions_metadata_check check (jsonb_typeof(metadata) = 'object')
) with (fillfactor = 50);
-- What the sweep looks for; heartbeats change neither column, so they stay HOT.
create index stream_sessions_check_at_idx on stream.stream_sessions (check_at) where state <> 'ended';
create index stream_sessions_ended_at_uncleaned_idx on stream.stream_sessions (ended_at)
    where state = 'ended' and not is_cleaned;
create index stream_sessions_ended_at_idx on stream.stream_sessions (ended_at) where state = 'ended';
create unique index stream_sessions_auction_id_live_key on stream.stream_sessions (auction_id) where state <> 'ended';
-- The newest first, for lists of what is on; UUIDs of version 7 are in the order of their time.
create index stream_sessions_id_live_idx on stream.stream_sessions (id) where state <> 'ended' and started_at is not null;
create index stream_sessions_auction_id_idx on stream.stream_sessions (auction_id);
-- With id, by which erasure takes a seller's streams one after the other.
create index stream_sessions_seller_id_id_idx on stream.stream_sessions (seller_id, id);

comment on table stream.stream_sessions is 'One row per broadcast of an auction. At most one that has not ended per auction.';
comment on column stream.stream_sessions.id is 'UUID version 7.';
comment on column stream.stream_sessions.channel_id is 'Agora channel name; the text of id.';
comment on column stream.stream_sessions.state is 'initializing, active, paused, error or ended (final).';
comment on column stream.stream_sessions.state_seq is 'seq of the log entry that announced the current state.';
comment on column stream.stream_sessions.generation is
    'Fencing number: one more with every takeover by the host. It is also the host''s Agora uid, so an old phone cannot evict the new one.';
comment on column stream.stream_sessions.viewer_count is 
    'Viewers at the last tick, as broadcast: a lease that is over counts until a sweep has come to it. get_viewer_count and sync count now.';
comment on column stream.stream_sessions.superseded_count is
    'Viewers who joined again in the two minutes before the last tick that counted: the channel of their other device may still be open.';
comment on column stream.stream_sessions.peak_viewer_count is
    'The greatest number of viewers at a tick or at the end of the stream.';
comment on column stream.stream_sessions.host_seen_at is
    'Last sign of life of a host who sends heartbeats: one of them, a move to a running state, a takeover, or Agora''s word; null until the first heartbeat.';
comment on column stream.stream_sessions.host_heartbeat_at is 'Last heartbeat of the host, and nothing else; null until the first.';
comment on column stream.stream_sessions.state_before_error is 'The state that a returning host goes back to.';
comment on column stream.stream_sessions.reconnect_deadline is 'When a stream in state error ends.';
comment on column stream.stream_sessions.reconnect_window_s is 'Seconds that a lost host has to return, 0 to 1800.';
comment on column stream.stream_sessions.host_token_issued_at is
    'When the host''s newest token was issued; for renewal by heartbeat.';
comment on column stream.stream_sessions.host_token_held_until is
    'When the token ends that the host may still hold; before that of the newest after a renewal, whose answer may be lost.';
comment on column stream.stream_sessions.host_token_tat is
    'Theoretical arrival time of the host''s next token (GCRA): config.token_rate_per_minute lies before it.';
comment on column stream.stream_sessions.state_moves_tat is
    'Theoretical arrival time of the seller''s next move (GCRA): config.state_moves_per_minute lies before it.';
comment on column stream.stream_sessions.check_at is
    'When the sweep looks at the stream next: set by state moves and by the sweep, never by heartbeats.';
comment on column stream.stream_sessions.counted_seq is
    'Up to which entry of the log the sweep has counted the messages of an ended stream.';
comment on column stream.stream_sessions.counted_uid is
    'Up to which Agora uid the sweep has counted the viewers of an ended stream.';
comment on column stream.stream_sessions.message_count is 'Messages of users up to counted_seq, the deleted ones among them.';
comment on column stream.stream_sessions.deleted_message_count is 'Those of them that were deleted when they were counted.';
comment on column stream.stream_sessions.unique_viewers is 'Viewers who ever joined, up to counted_uid; all of them once is_cleaned.';
comment on column stream.stream_sessions.watch_ms is 'Milliseconds that these together watched.';
comment on column stream.stream_sessions.is_cleaned is
    'Whether the sweep has made sure that an ended stream holds no lease, no active token or subscription, and no open log.';
comment on column stream.stream_sessions.chat_mode is
    'Who may write: viewers (whoever holds a lease), verified (of those, whom hook_is_verified knows), hosts (the seller and moderators) or nobody.';
comment on column stream.stream_sessions.slow_mode_ms is
    'Milliseconds that a viewer waits between two messages, 0 (off) to 3,600,000; the seller and moderators do not wait.';
comment on column stream.stream_sessions.pinned_seq is 'seq of the pinned message, if there is one.';
comment on column stream.stream_sessions.started_at is 'When the stream first became active.';

-- The limits of single columns of stream_viewers. As domains they are checked where a column is assigned; a CHECK of the
-- table is read from its text again in every statement that updates a row, and a row is updated with every heartbeat and
-- every message (measured with callgrind: five CHECKs cost more than the rest of such an update).
create domain stream.viewer_uid as integer constraint viewer_uid_check check (value >= 1000000);
comment on domain stream.viewer_uid is 'Agora uid of a viewer; those below belong to hosts.';
create domain stream.milliseconds as bigint constraint milliseconds_check check (value >= 0);
comment on domain stream.milliseconds is 'A time span in milliseconds.';

create table stream.start_rates (
    seller_id uuid not null,
    tat timestamptz not null,
    -- Of the seller and of no stream: whoever deletes streams or auctions gets no start back.
    constraint start_rates_pkey primary key (seller_id)
);
-- For the sweep.
create index start_rates_tat_idx on stream.start_rates (tat);
comment on table stream.start_rates is
    'How often each seller has started or taken over streams lately; swept once that is no limit any more. Last in the order of locks.';
comment on column stream.start_rates.tat is
    'Theoretical arrival time of the next start (GCRA): config.starts_per_minute lies before it.';
alter table stream.start_rates enable row level security;
revoke all on table stream.start_rates from public, anon, authenticated, service_role;

create table stream.stream_viewers (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    user_id uuid not null,
    agora_uid stream.viewer_uid not null,
    join_no integer not null default 1,
    joined_at timestamptz not null default now(),
    left_at timestamptz,
    is_active boolean not null generated always as (left_at is null) stored,
    last_seen_at timestamptz not null default now(),
    lease_check_at timestamptz not null default now(),
    foreground boolean not null generated always as (background_since is null) stored,
    background_since timestamptz,
    watch_ms stream.milliseconds not null default 0,
    token_issued_at timestamptz,
    token_expires_at timestamptz,
    token_held_until timestamptz,
    chat_tat timestamptz not null default '-infinity',
    last_chat_at timestamptz,
    reaction_tat timestamptz,
    token_tat timestamptz,
    change_id bigint,
    constraint stream_viewers_pkey primary key (session_id, user_id),
    constraint stream_viewers_session_id_agora_uid_key unique (session_id, agora_uid),
    constraint stream_viewers_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
-- Neither last_seen_at nor the token columns are in an index, so heartbeats are HOT updates.
create index stream_viewers_session_id_active_idx on stream.stream_viewers (session_id) where is_active;
create index stream_viewers_lease_check_at_idx on stream.stream_viewers (lease_check_at) where is_active;
create index stream_viewers_user_id_idx on stream.stream_viewers (user_id);

comment on table stream.stream_viewers is 'One row per viewer and stream, kept over rejoins.';
comment on column stream.stream_viewers.agora_uid is 'Agora uid, 1,000,000 to 2^31-1, unique in the session and stable per viewer.';
comment on column stream.stream_viewers.join_no is 'One more with every join; the last device to join holds the place.';

comment on column stream.stream_viewers.last_seen_at is
    'Last sign of life, a heartbeat, a message or a reaction; the lease lasts config.lease_s from here.';
comment on column stream.stream_viewers.lease_check_at is
    'When the sweep looks at the lease: written at join, when the app goes to the background, and by the sweep.';
comment on column stream.stream_viewers.background_since is 'Since when the viewer''s app is in the background.';
comment on column stream.stream_viewers.watch_ms is 'Time watched in ended leases, in milliseconds.';
comment on column stream.stream_viewers.chat_tat is
    'Rate limiter of the viewer''s messages: the theoretical arrival time of GCRA (ITU-T I.371). In no index, so it stays HOT.';
comment on column stream.stream_viewers.last_chat_at is 'When the viewer wrote last; for slow mode.';
comment on column stream.stream_viewers.reaction_tat is
    'Rate limiter of the viewer''s reactions: the theoretical arrival time of GCRA. In no index, so it stays HOT.';
comment on column stream.stream_viewers.token_issued_at is 'When the newest token was issued; for renewal by heartbeat.';
comment on column stream.stream_viewers.token_held_until is
    'When the token ends that the viewer may still hold; before that of the newest after a renewal, whose answer may be lost.';
comment on column stream.stream_viewers.token_tat is
    'Theoretical arrival time of the viewer''s next token (GCRA): config.token_rate_per_minute lies before it.';
comment on column stream.stream_viewers.change_id is
    'The row of viewer_changes that notes this viewer''s newest joining or leaving; it may have been taken since.';

create table stream.viewer_changes (
    id bigint generated always as identity,
    session_id uuid not null,
    constraint viewer_changes_pkey primary key (id)
);
comment on table stream.viewer_changes is
    'Sessions whose viewers changed since the last tick. Joins only add rows, so they never wait for each other; whoever '
    'joins and leaves again and again has one row at a time.';

create table stream.ticker (
    id boolean not null default true,
    ticked_at timestamptz not null default '-infinity',
    sends_at timestamptz not null default '-infinity',
    swept_at timestamptz not null default '-infinity',
    was_set_back boolean not null default false,
    unit_secret uuid not null default gen_random_uuid(),
    constraint ticker_pkey primary key (id),
    constraint ticker_id_single_row check (id)
);
comment on table stream.ticker is 'When tick and sweep ran last, whoever ran them: one row.';
comment on column stream.ticker.sends_at is
    'The last tick that came soon after the one before, so that messages may wait for the next.';
comment on column stream.ticker.was_set_back is
    'Whether the clock was set back and sweeps still correct streams that are dated by the later time.';
comment on column stream.ticker.unit_secret is
    'By which the SQL edition knows a unit of the regular work in a setting of the session, which every role may set.';
insert into stream.ticker (id) values (true);

alter table stream.stream_sessions enable row level security;
alter table stream.stream_viewers enable row level security;
alter table stream.viewer_changes enable row level security;
alter table stream.ticker enable row level security;
revoke all on table stream.stream_sessions, stream.stream_viewers, stream.viewer_changes, stream.ticker
    from public, anon, authenticated, service_role;
