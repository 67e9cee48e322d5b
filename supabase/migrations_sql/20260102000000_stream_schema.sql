-- Generated from sql/ by `cargo x sql bundle`; change those files, not this one.

select pg_catalog.set_config('pg_stream.path_before', pg_catalog.current_setting('search_path'), false);
set search_path = pg_catalog, pg_temp;

-- sql/edition/sql/schema.sql

-- Schema stream_ext of the edition without native code. Its functions stand in the repeatable migration, belong to the owner of
-- the tables and may be executed by nobody else.
create schema if not exists stream_ext;
comment on schema stream_ext is
    'The functions that the bodies of stream_private call, in SQL: the edition for servers that load no native extension. Never expose this schema.';
revoke all on schema stream_ext from public, anon, authenticated, service_role;
-- HMAC, for Agora tokens. Supabase has it in every project.
create extension if not exists pgcrypto with schema extensions;

-- sql/schema/010_schemas.sql

-- The schemas.
--
-- stream          what callers see: SECURITY INVOKER wrappers, and the tables (no API role holds a table privilege)
-- stream_private  the one privilege boundary: SECURITY DEFINER, not exposed by PostgREST
-- stream_edge     the calls of edge_api: they take on a caller's role, so only who may do that anyway may execute them
-- stream_ext      native functions; they refuse unless the effective user owns the tables
create schema stream;
comment on schema stream is 'Live streams, viewers and chat. Exposed to PostgREST; call its functions by rpc.';

create schema stream_private;
comment on schema stream_private is
    'The privilege boundary of schema stream: SECURITY DEFINER functions. Never expose this schema.';

create schema stream_edge;
comment on schema stream_edge is
    'Calls of the operations in one statement each, for the login role of edge_api. Never expose this schema.';

-- Default privileges of a database may have granted them. sql/api/ opens them once every function has its rights.
revoke all on schema stream, stream_private, stream_edge from public, anon, authenticated, service_role;

-- sql/schema/020_config.sql

-- Settings: one typed row; a wrong value is refused by its CHECK.
create table stream.config (
    id boolean not null default true,
    agora_app_id text,
    agora_certificate_secret text not null default 'agora_app_certificate',
    agora_secondary_certificate_secret text,
    token_ttl_s integer not null default 3600,
    token_rate_per_minute integer not null default 30,
    starts_per_minute integer not null default 10,
    state_moves_per_minute integer not null default 10,
    restrictions_per_minute integer not null default 10,
    reports_per_minute integer not null default 10,
    request_retention_hours integer not null default 24,
    host_timeout_s integer not null default 20,
    reconnect_window_s integer not null default 60,
    initializing_timeout_s integer not null default 300,
    paused_timeout_s integer not null default 3600,
    max_duration_s integer not null default 43200,
    heartbeat_interval_s integer not null default 15,
    lease_s integer not null default 45,
    background_grace_s integer not null default 60,
    retention_days integer default 90,
    webhook_retention_days integer not null default 7,
    sweep_batch_size integer not null default 500,
    chat_interval_ms integer not null default 1000,
    chat_burst integer not null default 10,
    host_chat_interval_ms integer not null default 200,
    host_chat_burst integer not null default 20,
    reaction_kinds text[] not null default '{like,love,laugh,wow,fire,clap}',
    reaction_interval_ms integer not null default 500,
    reaction_burst integer not null default 10,
    anonymous_users_may_chat boolean not null default false,
    epoch_salt text not null default '',
    realtime_messages_per_s integer not null default 0,
    realtime_share_percent integer not null default 80,
    realtime_payload_bytes integer not null default 250000,
    canary_user_id uuid,
    constraint config_pkey primary key (id),
    constraint config_id_single_row check (id),
    constraint config_agora_app_id_is_32_hex check (agora_app_id ~ '^[0-9a-fA-F]{32}$'),
    constraint config_agora_certificate_secret_1_to_255 check (length(agora_certificate_secret) between 1 and 255),
    constraint config_agora_secondary_certificate_secret_1_to_255
        check (length(agora_secondary_certificate_secret) between 1 and 255),
    -- A refused value is answered with the constraint's name, which says the range.
    constraint config_token_ttl_s_60_to_86400 check (token_ttl_s between 60 and 86400),
    constraint config_token_rate_per_minute_1_to_1000000 check (token_rate_per_minute between 1 and 1000000),
    constraint config_starts_per_minute_1_to_1000000 check (starts_per_minute between 1 and 1000000),
    constraint config_state_moves_per_minute_1_to_1000000 check (state_moves_per_minute between 1 and 1000000),
    constraint config_restrictions_per_minute_1_to_1000000 check (restrictions_per_minute between 1 and 1000000),
    constraint config_reports_per_minute_1_to_1000000 check (reports_per_minute between 1 and 1000000),
    constraint config_request_retention_hours_1_to_168 check (request_retention_hours between 1 and 168),
    constraint config_host_timeout_s_5_to_300 check (host_timeout_s between 5 and 300),
    constraint config_reconnect_window_s_0_to_1800 check (reconnect_window_s between 0 and 1800),
    constraint config_initializing_timeout_s_30_to_3600 check (initializing_timeout_s between 30 and 3600),
    constraint config_paused_timeout_s_60_to_86400 check (paused_timeout_s between 60 and 86400),
    constraint config_max_duration_s_60_to_604800 check (max_duration_s between 60 and 604800),
    constraint config_heartbeat_interval_s_5_to_60 check (heartbeat_interval_s between 5 and 60),
    constraint config_lease_s_15_to_600 check (lease_s between 15 and 600),
    constraint config_lease_s_over_2_heartbeats check (lease_s > 2 * heartbeat_interval_s),
    constraint config_background_grace_s_0_to_3600 check (background_grace_s between 0 and 3600),
    constraint config_retention_days_1_to_3650 check (retention_days between 1 and 3650),
    constraint config_chat_interval_ms_1_to_60000 check (chat_interval_ms between 1 and 60000),
    constraint config_chat_burst_1_to_1000 check (chat_burst between 1 and 1000),
    constraint config_host_chat_interval_ms_1_to_60000 check (host_chat_interval_ms between 1 and 60000),
    constraint config_host_chat_burst_1_to_1000 check (host_chat_burst between 1 and 1000),
    -- Names that Postgres writes without quotes; so none of them is null, and the array has one dimension.
    constraint config_reaction_kinds_are_32_lower_snake_names
        check (reaction_kinds::text ~ '^[{]([a-z][a-z0-9_]{0,31}(,[a-z][a-z0-9_]{0,31}){0,31})?[}]$'),
    constraint config_reaction_interval_ms_1_to_60000 check (reaction_interval_ms between 1 and 60000),
    constraint config_reaction_burst_1_to_1000 check (reaction_burst between 1 and 1000),
    constraint config_webhook_retention_days_1_to_365 check (webhook_retention_days between 1 and 365),
    constraint config_sweep_batch_size_1_to_10000 check (sweep_batch_size between 1 and 10000),
    constraint config_realtime_messages_per_s_0_to_1000000 check (realtime_messages_per_s between 0 and 1000000),
    constraint config_realtime_share_percent_1_to_100 check (realtime_share_percent between 1 and 100),
    constraint config_realtime_payload_bytes_10000_to_100000000
        check (realtime_payload_bytes between 10000 and 100000000)
);
comment on table stream.config is 'Settings, exactly one row (id = true). Change them with: update stream.config set ... where id.';
comment on column stream.config.agora_app_id is 'Agora App ID: 32 hexadecimal digits. Not a secret. Null: token functions answer not_configured.';
comment on column stream.config.agora_certificate_secret is
    'Name of the Supabase Vault secret that holds the Agora primary certificate; never the certificate itself.';
comment on column stream.config.agora_secondary_certificate_secret is
    'Name of the Vault secret that holds the Agora secondary certificate while certificates are rotated; inspect_token '
    'accepts its tokens. Null: there is none.';
comment on column stream.config.token_ttl_s is
    'Life of an Agora token in seconds, 60 to 86400 (Agora''s own limit is 24 h). It is shortened to what is left of its '
    'stream''s longest duration, but never below 60 s, also when the sweep that ends the stream is late.';
comment on column stream.config.token_rate_per_minute is
    'Tokens that one user may ask for in one stream within a minute, 1 to 1000000; as many at once. Joins count and are not '
    'refused: beyond the rate join_stream answers the newest token again, or none with retry_after_ms. Renewals by '
    'heartbeat and calls of the service do not count.';
comment on column stream.config.starts_per_minute is
    'Streams that one seller may start or take over within a minute, 1 to 1000000; as many at once. Calls of the service do not '
    'count and are not refused.';
comment on column stream.config.state_moves_per_minute is
    'Moves between states that the seller of one stream may make within a minute, 1 to 1000000; as many at once. Ending, '
    'going live or back from initializing, what repeats the present state, and calls of the service do not count and are not refused.';
comment on column stream.config.restrictions_per_minute is
    'Mutes, bans and lifts that one moderator may make in one stream within a minute, 1 to 1000000; as many at once. What '
    'changes nothing and calls of the service do not count and are not refused.';
comment on column stream.config.reports_per_minute is
    'Reports about messages that one viewer may make in one stream within a minute, 1 to 1000000; as many at once. The same '
    'report again does not count.';
comment on column stream.config.request_retention_hours is
    'Hours for which a request id returns its first result, 1 to 168.';
comment on column stream.config.host_timeout_s is
    'Seconds without a host heartbeat until the host counts as lost, 5 to 300; judged only after a first heartbeat.';
comment on column stream.config.reconnect_window_s is
    'Seconds that a lost host has to return, 0 to 1800; start_stream can set another window for one stream.';
comment on column stream.config.initializing_timeout_s is
    'Seconds until a stream that never became active is ended, 30 to 3600.';
comment on column stream.config.paused_timeout_s is 'Seconds until a paused stream is ended, 60 to 86400.';
comment on column stream.config.max_duration_s is
    'Seconds from the start until any stream is ended, 60 to 604800 (a week).';
comment on column stream.config.heartbeat_interval_s is 'Seconds between two heartbeats of a client, 5 to 60.';
comment on column stream.config.lease_s is
    'Seconds that a viewer counts after the last heartbeat, 15 to 600; more than two heartbeats.';
comment on column stream.config.background_grace_s is
    'Seconds that a viewer whose app is in the background still counts while it goes on sending heartbeats, 0 to 3600; '
    'never longer than lease_s without them.';
comment on column stream.config.retention_days is
    'Days that an ended stream and its log are kept, 1 to 3650; null keeps them for ever.';
comment on column stream.config.webhook_retention_days is
    'Days that Agora''s notices are kept, 1 to 365; one that comes again later is applied again.';
comment on column stream.config.sweep_batch_size is 'Rows that one sweep handles for each rule, 1 to 10000.';
comment on column stream.config.chat_interval_ms is
    'Milliseconds in which a viewer regains one message, 1 to 60000: the steady rate.';
comment on column stream.config.chat_burst is 'Messages that a viewer who was silent may send at once, 1 to 1000.';
comment on column stream.config.host_chat_interval_ms is 'The same as chat_interval_ms for the seller, 1 to 60000.';
comment on column stream.config.host_chat_burst is 'The same as chat_burst for the seller, 1 to 1000.';
comment on column stream.config.reaction_kinds is
    'The reactions there are: at most 32 names of 1 to 32 lower-case letters, digits and underscores, beginning with a letter. '
    'Without any, nobody reacts.';
comment on column stream.config.reaction_interval_ms is
    'Milliseconds in which a user regains one reaction, 1 to 60000: the steady rate.';
comment on column stream.config.reaction_burst is 'Reactions that a user may send at once after a silence, 1 to 1000.';
comment on column stream.config.anonymous_users_may_chat is
    'Whether anonymous sign-ins (claim is_anonymous) may send chat messages and reactions.';
comment on column stream.config.epoch_salt is 'Part of the epoch: changing it makes every client resynchronise.';
comment on column stream.config.realtime_messages_per_s is
    'Messages a second that the Realtime plan admits, 0 to 1000000 (100 on Free, 500 on Pro, 2500 on Team); 0: no limit. Realtime '
    'counts one for each broadcast and one for each channel that receives it. Frames and viewer counts wait so that the limit holds.';
comment on column stream.config.realtime_share_percent is
    'Percent of realtime_messages_per_s that are planned with, 1 to 100; the rest is for bursts and for what else the project broadcasts.';
comment on column stream.config.realtime_payload_bytes is
    'Bytes of a broadcast that Realtime admits, 10000 to 100000000 (256 KB on Free, 3000 KB above). A frame that is larger carries '
    'numbers and no messages.';
comment on column stream.config.canary_user_id is
    'The user as whom edge_api watches the way through Realtime; a canary is sent to them every ten seconds. Null: none is.';

alter table stream.config enable row level security;
revoke all on table stream.config from public, anon, authenticated, service_role;
insert into stream.config (id) values (true);

-- sql/schema/030_streams.sql

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

-- sql/schema/032_troubles.sql

-- Streams that the regular work has failed at.
create table stream.troubles (
    session_id uuid,
    rule text not null,
    sqlstate text not null,
    since timestamptz not null,
    attempts integer not null,
    next_attempt_at timestamptz not null,
    -- No foreign key: it would wait for whoever holds the stream's row, and that may be the trouble.
    constraint troubles_session_id_rule_key unique nulls not distinct (session_id, rule),
    constraint troubles_attempts_check check (attempts >= 1)
);
comment on table stream.troubles is
    'What the regular work has failed at, one row for each stream and rule: left out until next_attempt_at, and gone once it passes. See stream.doctor().';
comment on column stream.troubles.session_id is 'The stream; null: the rule fails whatever the stream.';
comment on column stream.troubles.rule is 'The part of the regular work, as in docs/operations.md.';
comment on column stream.troubles.sqlstate is 'Of the last failure: 57014 took too long, 55P03 waited too long for a lock.';
comment on column stream.troubles.since is 'When it failed first.';
comment on column stream.troubles.attempts is 'How often it has failed.';
comment on column stream.troubles.next_attempt_at is
    'When it is tried again: 1 s after the first failure, twice as long after each further one, at most 5 minutes; 8 s where the rule fails whatever the stream.';

alter table stream.troubles enable row level security;
revoke all on table stream.troubles from public, anon, authenticated, service_role;

-- sql/schema/034_figures.sql

-- What the regular work counts for stream.metrics, and the canary that it sends through Realtime.
create table stream.figures (
    id boolean not null default true,
    sampled_at timestamptz not null default '-infinity',
    ended_upto timestamptz not null default now(),
    ended_messages bigint not null default 0,
    ended_frames bigint not null default 0,
    messages bigint not null default 0,
    frames bigint not null default 0,
    messages_per_s double precision not null default 0,
    frames_per_s double precision not null default 0,
    constraint figures_pkey primary key (id),
    constraint figures_id_single_row check (id)
) with (fillfactor = 50);
comment on table stream.figures is
    'What was written in all, and how fast, as the regular work last saw it: one row, every five seconds.';
comment on column stream.figures.ended_upto is
    'Streams that ended until then are counted in ended_messages and ended_frames, and not looked at again.';
comment on column stream.figures.ended_messages is 'Entries of the logs of these streams.';
comment on column stream.figures.ended_frames is 'Frames of these streams.';
comment on column stream.figures.messages is 'Entries of all logs since the installation, deleted streams among them.';
comment on column stream.figures.frames is 'Frames that carried them.';
comment on column stream.figures.messages_per_s is 'Entries a second between the last two samples.';
comment on column stream.figures.frames_per_s is 'Frames a second between them.';
insert into stream.figures (id) values (true);

create table stream.rule_figures (
    rule text not null,
    ran_at timestamptz,
    swept_rows bigint not null default 0,
    oldest_age interval,
    constraint rule_figures_pkey primary key (rule)
) with (fillfactor = 50);
comment on table stream.rule_figures is 'What the rules of the regular work did: one row for each, written when it did something and every five seconds.';
comment on column stream.rule_figures.ran_at is 'When a round last ended in which the rule ran and did not fail; null for the verdicts of session_timeouts.';
comment on column stream.rule_figures.swept_rows is 'Rows that it has handled in all.';
comment on column stream.rule_figures.oldest_age is 'For how long the oldest of them was due, in the last round; null: none was.';

create table stream.canary (
    id boolean not null default true,
    canary_no bigint not null default 0,
    sent_at timestamptz not null default '-infinity',
    received_no bigint,
    received_at timestamptz,
    lag_ms integer,
    state text,
    reported_at timestamptz,
    failed_state text,
    failed_at timestamptz,
    constraint canary_pkey primary key (id),
    constraint canary_id_single_row check (id)
) with (fillfactor = 50);
comment on table stream.canary is
    'The event that the regular work sends to config.canary_user_id every ten seconds, and what edge_api, which subscribes as that user, says became of it: one row.';
comment on column stream.canary.canary_no is 'Number of the last one that was sent.';
comment on column stream.canary.received_no is 'Number of the newest one that came back, at received_at, lag_ms after it was written.';
comment on column stream.canary.state is 'The last report about the way through Realtime, at reported_at.';
comment on column stream.canary.failed_state is 'The last report of a failure, at failed_at.';
insert into stream.canary (id) values (true);

-- Refusals roll back whatever they write; a sequence counts on.
-- Unlogged: a refusal spends no transaction id and waits for no disk. Counters of a process begin anew too.
create unlogged sequence stream.tokens_refused_rate;
create unlogged sequence stream.tokens_refused_rights;
create unlogged sequence stream.tokens_refused_setup;
comment on sequence stream.tokens_refused_rate is 'Requests for a token that were beyond the rate of their user. Begins anew after a crash.';
comment on sequence stream.tokens_refused_rights is 'Requests for a token of somebody who may have none. Begins anew after a crash.';
comment on sequence stream.tokens_refused_setup is
    'Requests for a token that failed by the configuration: certificate, Vault, clock. Begins anew after a crash.';

-- sync runs in read-only transactions, on a standby too, where not even a sequence can count. What Postgres counts there is how often
-- an index is read: each recovery looks for a row by one of these two. A dump and VACUUM read no index.
create table stream.recoveries (
    complete integer,
    incomplete integer,
    constraint recoveries_pkey primary key (complete),
    constraint recoveries_incomplete_key unique (incomplete)
);
comment on table stream.recoveries is
    'Never holds a row: Postgres counts how often its indexes are read, which is how often sync told a reader what was missed.';
comment on column stream.recoveries.complete is 'Looked for by each answer of sync that continued what its reader held, and brought something.';
comment on column stream.recoveries.incomplete is 'Looked for by each answer of sync that did not continue what its reader held.';

alter table stream.figures enable row level security;
alter table stream.rule_figures enable row level security;
alter table stream.canary enable row level security;
alter table stream.recoveries enable row level security;
revoke all on table stream.figures, stream.rule_figures, stream.canary, stream.recoveries from public, anon, authenticated, service_role;

-- sql/schema/034_late_events.sql

-- Events that could not be broadcast when they happened, because no partition of realtime.messages took them.
create table stream.late_events (
    session_id uuid not null,
    topic text not null,
    subject text not null,
    event text not null,
    payload jsonb not null,
    user_id uuid,
    noted_at timestamptz not null,
    -- A later event about the same subject takes the place of the one before. No foreign key: whoever notes an event holds
    -- locks that come after the stream's row and the user's.
    constraint late_events_pkey primary key (session_id, topic, subject)
) with (fillfactor = 70);
create index late_events_user_id_idx on stream.late_events (user_id) where user_id is not null;
comment on table stream.late_events is
    'Broadcasts of a time without today''s partition of realtime.messages. The regular work sends what is still true once there is one, and the event resync otherwise.';
comment on column stream.late_events.topic is 'Where it is to be broadcast.';
comment on column stream.late_events.subject is
    'What it is about: state, viewer_count, live, mute, ban, token_expiring or resync. Of each topic and subject the newest event is kept.';
comment on column stream.late_events.payload is 'As it would have been broadcast; server_time is set anew when it is sent.';
comment on column stream.late_events.user_id is 'The user to whose own topic it goes; null on topics of streams.';
comment on column stream.late_events.noted_at is 'When it happened.';

alter table stream.late_events enable row level security;
revoke all on table stream.late_events from public, anon, authenticated, service_role;

-- sql/schema/040_log.sql

-- The log of a stream: its head (the lock and the next number), how far frames were written, and the entries.
-- Heads and relays have no CHECK, which would be read from its text again with every message; what they count is
-- checked where it ends up, in chat_messages.
create table stream.chat_heads (
    session_id uuid not null,
    last_seq bigint not null default 0,
    last_at timestamptz not null default '-infinity',
    open boolean not null default true,
    host_chat_tat timestamptz not null default '-infinity',
    auction_updates bigint not null default 0,
    constraint chat_heads_pkey primary key (session_id),
    constraint chat_heads_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.chat_heads is
    'One row per session: whoever updates it holds the log until commit, so commit order equals seq order. Only its key is indexed, so updates stay HOT.';
comment on column stream.chat_heads.host_chat_tat is
    'Rate limiter of the seller''s messages: the theoretical arrival time of GCRA. A viewer''s is in stream_viewers.';
comment on column stream.chat_heads.auction_updates is
    'Those of the entries that are updates of the auction, for whose frames the governor plans a window of their own.';
comment on column stream.chat_heads.open is 'False once the stream has ended: nothing is logged after that.';

create table stream.chat_relay (
    session_id uuid not null,
    flushed_seq bigint not null default 0,
    flushed_at timestamptz not null default '-infinity',
    window_ms integer not null default 50,
    next_window_ms integer not null default 50,
    poll_ms integer,
    auction_window_ms integer not null default 0,
    viewers_window_ms integer not null default 0,
    viewers_sent_count integer,
    viewers_sent_at timestamptz not null default '-infinity',
    frames bigint not null default 0,
    urgent_frames bigint not null default 0,
    constraint chat_relay_pkey primary key (session_id),
    constraint chat_relay_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.chat_relay is 'How far the log of each session was written to Realtime as frames, and how long its next broadcasts wait.';
comment on column stream.chat_relay.window_ms is
    'The window that the last frame opened, in milliseconds: entries within it wait for its end.';
comment on column stream.chat_relay.next_window_ms is 'The window that the next frame opens; above 50 under pressure on the quota.';
comment on column stream.chat_relay.poll_ms is 'How often clients may call sync meanwhile, as frames say; null while the window is short.';
comment on column stream.chat_relay.auction_window_ms is
    'How long after the last frame an auction update waits, in milliseconds: at least 200 under pressure on the quota; 0: not at all.';
comment on column stream.chat_relay.viewers_window_ms is
    'The window of broadcasts to viewers:<session_id>, in milliseconds; 0: each count is sent.';
comment on column stream.chat_relay.viewers_sent_count is 'The viewer count that was broadcast last while counts have a window.';
comment on column stream.chat_relay.viewers_sent_at is 'When it was broadcast.';
comment on column stream.chat_relay.frames is 'Frames that were written.';
comment on column stream.chat_relay.urgent_frames is 'Those of them that did not wait for a window: state changes and moderation.';

create table stream.chat_tails (
    xid xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity,
    session_id uuid not null,
    -- The transaction first: the ticker reads by snapshots.
    constraint chat_tails_pkey primary key (xid, id)
);
comment on table stream.chat_tails is
    'Queue of sessions whose newest entries no frame carries yet: written with the first such entry, taken by tick. Writers only add rows, so they never wait for each other.';
comment on column stream.chat_tails.xid is 'The transaction that wrote the row; it is taken once that has committed.';

create table stream.chat_tail_reads (
    id bigint generated always as identity,
    read_upto pg_snapshot,
    read_by xid8 not null default pg_current_xact_id(),
    epoch text,
    unsent uuid[] not null default '{}',
    looked_at timestamptz not null default '-infinity',
    look_after uuid,
    constraint chat_tail_reads_pkey primary key (id)
);
comment on table stream.chat_tail_reads is
    'How far tick has read chat_tails: the row with the highest id. Each read adds a row and deletes the one before, so that the newest is found first however many old versions a held snapshot keeps.';
comment on column stream.chat_tail_reads.read_upto is
    'Every row of chat_tails that this snapshot sees was taken; null: none was.';
comment on column stream.chat_tail_reads.read_by is
    'The transaction that wrote the row: its own rows of chat_tails are read the next time.';
comment on column stream.chat_tail_reads.epoch is
    'The run of the database that read_upto belongs to; in another one, as after a restore, everything is read again.';
comment on column stream.chat_tail_reads.unsent is
    'Sessions that were taken from chat_tails and not sent yet, as somebody holds them or they failed.';
comment on column stream.chat_tail_reads.looked_at is
    'When tick last began to compare the heads and relays of all live sessions.';
comment on column stream.chat_tail_reads.look_after is
    'The auction up to which that comparison has come; null: it is complete.';
insert into stream.chat_tail_reads default values;

create table stream.chat_messages (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    seq bigint not null,
    user_id uuid,
    username text,
    content text not null,
    message_type text not null default 'user_message',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    metadata jsonb not null default '{}',
    deleted_at timestamptz,
    constraint chat_messages_pkey primary key (session_id, seq),
    constraint chat_messages_session_id_id_key unique (session_id, id),
    constraint chat_messages_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_messages_seq_check check (seq >= 1),
    -- A deleted message keeps its number and loses its text.
    constraint chat_messages_content_check check (
        length(content) between 1 and 2000 or deleted_at is not null and content = ''),
    constraint chat_messages_message_type_check
        check (message_type in ('user_message', 'system_message', 'auction_update')),
    constraint chat_messages_metadata_check check (jsonb_typeof(metadata) = 'object')
);
-- No sample of the texts in the planner's statistics, where a deleted one would stay until the next analyze.
alter table stream.chat_messages
    alter column username set statistics 0,
    alter column content set statistics 0,
    alter column metadata set statistics 0;
-- For the deletion of a user, and for the messages of one user in one stream.
create index chat_messages_user_id_session_id_idx on stream.chat_messages (user_id, session_id)
    where user_id is not null;

comment on table stream.chat_messages is 'The gap-free log of every stream: chat, system messages and auction updates.';
comment on column stream.chat_messages.id is 'Made by the client, so that a retry is recognised; unique in its session.';
comment on column stream.chat_messages.seq is 'Dense number from 1 in each session, in commit order.';
comment on column stream.chat_messages.user_id is 'The sender; null for system rows and for users deleted since.';
comment on column stream.chat_messages.username is 'The sender''s name when it was sent, from hook_username.';
comment on column stream.chat_messages.deleted_at is 'When a moderator deleted the text; the row stays as a tombstone.';
comment on column stream.chat_messages.created_at is 'Strictly increasing with seq.';

create table stream.chat_deleted_frames (
    session_id uuid not null,
    seqs int8multirange not null,
    constraint chat_deleted_frames_pkey primary key (session_id),
    constraint chat_deleted_frames_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
comment on table stream.chat_deleted_frames is
    'Numbers of the log whose frame was deleted from realtime.messages, because it carried a message that was deleted.';

alter table stream.chat_heads enable row level security;
alter table stream.chat_relay enable row level security;
alter table stream.chat_tails enable row level security;
alter table stream.chat_tail_reads enable row level security;
alter table stream.chat_messages enable row level security;
alter table stream.chat_deleted_frames enable row level security;
revoke all on table stream.chat_heads, stream.chat_relay, stream.chat_tails, stream.chat_tail_reads,
    stream.chat_messages, stream.chat_deleted_frames
    from public, anon, authenticated, service_role;

-- sql/schema/042_readers.sql

-- Read marks and chat subscriptions: one row for each user and stream.
create table stream.chat_reads (
    session_id uuid not null,
    user_id uuid not null,
    read int8multirange not null default '{}',
    updated_at timestamptz not null default now(),
    constraint chat_reads_pkey primary key (session_id, user_id),
    constraint chat_reads_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
create index chat_reads_user_id_idx on stream.chat_reads (user_id);
comment on table stream.chat_reads is 'Which entries of a log a user has read.';
comment on column stream.chat_reads.read is 'The numbers read, as ranges: a user who reads everything in order has one.';

create table stream.chat_subscriptions (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    user_id uuid not null,
    channel text not null,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint chat_subscriptions_pkey primary key (id),
    constraint chat_subscriptions_session_id_user_id_key unique (session_id, user_id),
    constraint chat_subscriptions_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_subscriptions_ended_at_check check (is_active = (ended_at is null))
);
create index chat_subscriptions_user_id_idx on stream.chat_subscriptions (user_id);
comment on table stream.chat_subscriptions is 'Who follows the chat of a stream; one row per user and stream.';
comment on column stream.chat_subscriptions.channel is 'The private Realtime topic to join: chat:<session_id>.';

alter table stream.chat_reads enable row level security;
alter table stream.chat_subscriptions enable row level security;
revoke all on table stream.chat_reads, stream.chat_subscriptions from public, anon, authenticated, service_role;

-- sql/schema/044_moderation.sql

-- Moderators' decisions: mutes and bans, blocked terms, and the record of all of them.
create table stream.chat_restrictions (
    session_id uuid not null,
    user_id uuid not null,
    kind text not null,
    until timestamptz,
    actor uuid,
    reason text,
    created_at timestamptz not null default now(),
    constraint chat_restrictions_pkey primary key (session_id, user_id, kind),
    constraint chat_restrictions_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_restrictions_kind_check check (kind in ('mute', 'ban')),
    constraint chat_restrictions_reason_check check (length(reason) <= 200)
);
create index chat_restrictions_until_idx on stream.chat_restrictions (until) where until is not null;
create index chat_restrictions_user_id_idx on stream.chat_restrictions (user_id);
create index chat_restrictions_actor_idx on stream.chat_restrictions (actor) where actor is not null;
comment on table stream.chat_restrictions is 'Who is muted in, or banned from, a stream.';
comment on column stream.chat_restrictions.until is 'When it ends by itself; null lasts until lifted.';
alter table stream.chat_restrictions enable row level security;
revoke all on table stream.chat_restrictions from public, anon, authenticated, service_role;

create table stream.restriction_rates (
    session_id uuid not null,
    actor uuid not null,
    tat timestamptz not null,
    constraint restriction_rates_pkey primary key (session_id, actor),
    constraint restriction_rates_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
create index restriction_rates_actor_idx on stream.restriction_rates (actor);
comment on table stream.restriction_rates is 'How often each moderator has muted, banned and lifted in a stream lately.';
comment on column stream.restriction_rates.tat is
    'Theoretical arrival time of the next one (GCRA): config.restrictions_per_minute lies before it.';
alter table stream.restriction_rates enable row level security;
revoke all on table stream.restriction_rates from public, anon, authenticated, service_role;

create table stream.blocked_terms (
    id uuid not null default gen_random_uuid(),
    session_id uuid,
    term text not null,
    pattern text not null,
    actor uuid,
    created_at timestamptz not null default now(),
    constraint blocked_terms_pkey primary key (id),
    constraint blocked_terms_session_id_pattern_key unique nulls not distinct (session_id, pattern),
    constraint blocked_terms_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint blocked_terms_term_check check (length(term) between 1 and 100),
    constraint blocked_terms_pattern_check check (length(pattern) >= 1)
);
create index blocked_terms_actor_idx on stream.blocked_terms (actor) where actor is not null;
comment on table stream.blocked_terms is 'Words that no message may contain: in one stream, or in all (session_id null).';
comment on column stream.blocked_terms.pattern is
    'What is searched for in a message''s normalised text: the term without case, accents and zero-width characters.';

create table stream.moderation_log (
    id bigint generated always as identity,
    session_id uuid,
    seq bigint,
    action text not null,
    actor uuid,
    user_id uuid,
    target_seq bigint,
    reason text,
    until timestamptz,
    term text,
    created_at timestamptz not null default now(),
    constraint moderation_log_pkey primary key (id),
    constraint moderation_log_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint moderation_log_action_check check (length(action) between 1 and 50),
    constraint moderation_log_reason_check check (length(reason) <= 200),
    constraint moderation_log_term_check check (length(term) between 1 and 100)
);
create index moderation_log_session_id_id_idx on stream.moderation_log (session_id, id);
create index moderation_log_user_id_idx on stream.moderation_log (user_id) where user_id is not null;
create index moderation_log_actor_idx on stream.moderation_log (actor) where actor is not null;
comment on table stream.moderation_log is
    'Append-only: what moderators did, without any message text. It goes with its session; whoever is forgotten leaves the nil uuid.';
comment on column stream.moderation_log.session_id is 'The stream; null where it is about all of them.';
comment on column stream.moderation_log.seq is 'The log entry that announced it; null where nothing is announced.';
comment on column stream.moderation_log.actor is 'Who did it; null for the service.';
comment on column stream.moderation_log.user_id is 'Whom it is about, if anybody.';
comment on column stream.moderation_log.term is 'The term that was blocked or unblocked.';

-- No sample of reasons in the planner's statistics, where a forgotten one would stay.
alter table stream.chat_restrictions alter column reason set statistics 0;
alter table stream.moderation_log alter column reason set statistics 0;
alter table stream.blocked_terms enable row level security;
alter table stream.moderation_log enable row level security;
revoke all on table stream.blocked_terms, stream.moderation_log from public, anon, authenticated, service_role;

create table stream.moderation_turns (
    session_id uuid not null,
    constraint moderation_turns_pkey primary key (session_id)
);
comment on table stream.moderation_turns is
    'Locked by whoever moderates a session, one call at a time; added by its first moderator. The nil uuid stands for the terms of all streams. No foreign key: whoever deletes a session must not wait here.';
alter table stream.moderation_turns enable row level security;
revoke all on table stream.moderation_turns from public, anon, authenticated, service_role;

-- sql/schema/046_reports.sql

-- Reports of viewers about messages, and the messages that wait for a moderator because of them.
create table stream.message_reports (
    session_id uuid not null,
    seq bigint not null,
    user_id uuid not null,
    reason text,
    created_at timestamptz not null default clock_timestamp(),
    constraint message_reports_pkey primary key (session_id, seq, user_id),
    constraint message_reports_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint message_reports_reason_check check (length(reason) between 1 and 200)
);
-- The newest of one message, and those of one user for erasure and export.
create index message_reports_session_id_seq_created_at_idx on stream.message_reports (session_id, seq, created_at);
create index message_reports_user_id_idx on stream.message_reports (user_id);
comment on table stream.message_reports is
    'What viewers reported: one row per user and message, with the number of the message and none of its text.';
comment on column stream.message_reports.user_id is 'Who reported.';

create table stream.reported_messages (
    session_id uuid not null,
    seq bigint not null,
    report_count integer not null default 1,
    first_reported_at timestamptz not null default clock_timestamp(),
    last_reported_at timestamptz not null default clock_timestamp(),
    resolved_at timestamptz,
    resolved_by uuid,
    constraint reported_messages_pkey primary key (session_id, seq),
    constraint reported_messages_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint reported_messages_report_count_check check (report_count >= 1)
);
create index reported_messages_session_id_seq_open_idx on stream.reported_messages (session_id, seq)
    where resolved_at is null;
create index reported_messages_resolved_by_idx on stream.reported_messages (resolved_by) where resolved_by is not null;
comment on table stream.reported_messages is
    'Messages that were reported. Last in the order of locks, but for the rows of a user who is forgotten.';
comment on column stream.reported_messages.report_count is
    'Reports so far; those of users who were forgotten or deleted since still count.';
comment on column stream.reported_messages.resolved_at is
    'When a moderator resolved the reports or the message was deleted; a later report opens them again.';
comment on column stream.reported_messages.resolved_by is
    'The moderator; null for the service, the nil uuid for one who was forgotten.';

create table stream.report_rates (
    session_id uuid not null,
    user_id uuid not null,
    tat timestamptz not null,
    constraint report_rates_pkey primary key (session_id, user_id),
    constraint report_rates_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
);
create index report_rates_user_id_idx on stream.report_rates (user_id);
comment on table stream.report_rates is 'How often each viewer has reported in a stream lately.';
comment on column stream.report_rates.tat is
    'Theoretical arrival time of the next report (GCRA): config.reports_per_minute lies before it.';

-- No sample of them in the planner's statistics, where a forgotten one would stay.
alter table stream.message_reports alter column reason set statistics 0;
alter table stream.message_reports enable row level security;
alter table stream.reported_messages enable row level security;
alter table stream.report_rates enable row level security;
revoke all on table stream.message_reports, stream.reported_messages, stream.report_rates
    from public, anon, authenticated, service_role;

-- sql/schema/047_deleted_authors.sql

-- Messages of users whom the application deleted: their id leaves the log with them, and their text stays until
-- forget_user() takes it away.
create table stream.authors_deleted (
    user_id uuid not null,
    session_id uuid not null,
    seqs int8multirange not null,
    -- No foreign key: the deletion of a user holds messages here, and that of a stream holds its row while it
    -- waits for messages.
    constraint authors_deleted_pkey primary key (user_id, session_id)
);
create index authors_deleted_session_id_idx on stream.authors_deleted (session_id);
comment on table stream.authors_deleted is
    'The numbers of the messages of users who were deleted, so that they can still be forgotten. It goes with its session.';
alter table stream.authors_deleted enable row level security;
revoke all on table stream.authors_deleted from public, anon, authenticated, service_role;

-- sql/schema/048_reactions.sql

-- Reactions: those that no broadcast carries yet, the totals of live streams, and the seller's rate. None has a row of its own.
create table stream.reaction_counts (
    session_id uuid not null,
    -- By bytes: native code finds rows by it without asking for a collation.
    kind text collate pg_catalog."C" not null,
    id uuid not null,
    added bigint not null,
    constraint reaction_counts_pkey primary key (session_id, kind, id),
    constraint reaction_counts_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.reaction_counts is
    'Reactions that no broadcast carries yet. Of each stream and kind as many rows as there were reactions at the same moment: '
    'one adds to the first row that nobody holds, or makes one, so none waits for another. tick takes them.';

create table stream.reaction_totals (
    session_id uuid not null,
    kind text collate pg_catalog."C" not null,
    total bigint not null,
    sent_at timestamptz not null,
    constraint reaction_totals_pkey primary key (session_id, kind),
    constraint reaction_totals_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.reaction_totals is
    'How many reactions of each kind a live stream has had, as they were broadcast; they go when it has ended. Only tickers write it.';
comment on column stream.reaction_totals.sent_at is 'When a broadcast last changed the total.';

create table stream.reaction_rates (
    session_id uuid not null,
    tat timestamptz not null,
    constraint reaction_rates_pkey primary key (session_id),
    constraint reaction_rates_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade
) with (fillfactor = 50);
comment on table stream.reaction_rates is 'How often the seller of a stream has reacted lately; a viewer''s is in stream_viewers.';
comment on column stream.reaction_rates.tat is
    'Theoretical arrival time of the next reaction (GCRA): config.reaction_burst lies before it.';

alter table stream.reaction_counts enable row level security;
alter table stream.reaction_totals enable row level security;
alter table stream.reaction_rates enable row level security;
revoke all on table stream.reaction_counts, stream.reaction_totals, stream.reaction_rates
    from public, anon, authenticated, service_role;

-- sql/schema/048_realtime_spending.sql

-- What broadcasts cost of Realtime's quota, and the plan of the windows in which they wait.
-- Both tables without a log can be lost in a crash: then the next plan begins anew.
create unlogged table stream.realtime_sends (
    id bigint generated always as identity,
    kind text not null,
    session_id uuid,
    constraint realtime_sends_pkey primary key (id)
);
comment on table stream.realtime_sends is
    'Broadcasts other than frames since the last plan. Writers only add rows, so they never wait for each other.';
comment on column stream.realtime_sends.kind is 'The column of realtime_spending that it counts in.';
comment on column stream.realtime_sends.session_id is 'The stream whose channels receive it; null: one channel does.';

create unlogged table stream.governor (
    id boolean not null default true,
    planned_at timestamptz not null default '-infinity',
    limit_per_s integer not null default 0,
    reason text not null default 'unlimited',
    expected_per_s bigint not null default 0,
    is_over boolean not null default false,
    is_crowded boolean not null default false,
    sessions uuid[] not null default '{}',
    known bigint[] not null default '{}',
    constraint governor_pkey primary key (id),
    constraint governor_id_single_row check (id)
);
alter table stream.governor alter column sessions set storage external, alter column known set storage external;
comment on table stream.governor is 'The last plan of the windows, one row; stream.chat_relay has the windows themselves.';
comment on column stream.governor.reason is
    'Why frames wait as long as they do: unlimited (no limit is set), room (all fits), share (the demand fits the share), limit (the worst case fits the limit).';
comment on column stream.governor.expected_per_s is 'Messages a second that live streams are expected to cost under this plan.';
comment on column stream.governor.is_over is 'Whether the limit was exceeded in the last minute: by state changes and restrictions, which never wait, alone or beside what had been sent before them.';
comment on column stream.governor.is_crowded is 'Whether one frame a minute for each live stream would exceed the share.';
comment on column stream.governor.sessions is 'The live streams at the last plan, and those that have ended since a few plans.';
comment on column stream.governor.known is 'What was known of each of them, some numbers for each.';

create table stream.realtime_spending (
    id bigint generated always as identity,
    span_s integer not null default 5,
    at timestamptz not null,
    frames bigint not null default 0,
    viewer_counts bigint not null default 0,
    states bigint not null default 0,
    users bigint not null default 0,
    reactions bigint not null default 0,
    canary bigint not null default 0,
    others bigint not null default 0,
    urgent bigint not null default 0,
    constraint realtime_spending_pkey primary key (id),
    constraint realtime_spending_span_s_check check (span_s in (5, 3600))
);
create index realtime_spending_span_s_at_idx on stream.realtime_spending (span_s, at);
comment on table stream.realtime_spending is
    'Messages of Realtime''s quota that broadcasts have cost, in all rows of a span together: for spans of 5 s in the last two hours, hour by hour for 32 days.';
comment on column stream.realtime_spending.span_s is 'Seconds from at: 5 or 3600.';
comment on column stream.realtime_spending.at is 'The begin of the span.';
comment on column stream.realtime_spending.frames is 'By frames of chat:<session_id>.';
comment on column stream.realtime_spending.viewer_counts is 'By viewer counts of viewers:<session_id>.';
comment on column stream.realtime_spending.states is 'By events of stream:<session_id> and live. Who has joined live is not known, so an event there counts two.';
comment on column stream.realtime_spending.users is 'By events of user:<user_id>.';
comment on column stream.realtime_spending.reactions is 'By reactions of viewers:<session_id>.';
comment on column stream.realtime_spending.canary is 'By events of canary:<user_id>.';
comment on column stream.realtime_spending.urgent is 'Of all these, what never waits: states, users, and frames of state changes and moderation.';

alter table stream.realtime_sends enable row level security;
alter table stream.governor enable row level security;
alter table stream.realtime_spending enable row level security;
revoke all on table stream.realtime_sends, stream.governor, stream.realtime_spending
    from public, anon, authenticated, service_role;

-- sql/schema/050_tokens.sql

-- Agora tokens that were handed out: their hash, never the token.
create domain stream.sha256_hex as text constraint sha256_hex_check check (value ~ '^[0-9a-f]{64}$');
comment on domain stream.sha256_hex is 'A SHA-256 digest, lower-case hexadecimal.';
create domain stream.agora_uid as integer constraint agora_uid_check check (value >= 1);
comment on domain stream.agora_uid is 'Agora uid of a host or a viewer.';
create domain stream.agora_salt as integer constraint agora_salt_check check (value between 1 and 99999999);
comment on domain stream.agora_salt is 'Random part of an Agora token, in the range of Agora''s own libraries.';

create table stream.agora_tokens (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    session_id uuid not null,
    token_hash stream.sha256_hex not null,
    channel_id text not null,
    uid stream.agora_uid not null,
    salt stream.agora_salt not null,
    privileges jsonb not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    is_active boolean not null default true,
    check_at timestamptz not null,
    constraint agora_tokens_pkey primary key (id),
    constraint agora_tokens_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint agora_tokens_expires_at_check check (expires_at > created_at)
);
-- A refresh finds the rows that it retires without passing those that are retired already, and a join beyond the rate
-- the newest one without reading the others.
create index agora_tokens_session_id_user_id_is_active_created_at_idx
    on stream.agora_tokens (session_id, user_id, is_active, created_at);
-- The sweep looks at a token twice, near its end and at it, by one index. With the end, so that those which have ended and
-- those which have not are told apart there.
create index agora_tokens_check_at_expires_at_active_idx on stream.agora_tokens (check_at, expires_at) where is_active;
create index agora_tokens_user_id_idx on stream.agora_tokens (user_id);

comment on table stream.agora_tokens is
    'Agora tokens handed out, for audit, and what join_stream mints one from again: its times, uid and salt. Without the '
    'certificate nobody can.';
comment on column stream.agora_tokens.created_at is 'The time of issue in the token: whole seconds, from which its life counts.';
comment on column stream.agora_tokens.salt is 'The random number in the token, which the certificate signs; no secret.';
comment on column stream.agora_tokens.is_active is
    'False once the token has expired, the stream has ended or refresh_token has replaced it. Agora itself cannot revoke a token.';
comment on column stream.agora_tokens.check_at is
    'When the sweep looks at the token next: at 85 % of its life, to announce that it ends soon, then at its end.';
comment on column stream.agora_tokens.token_hash is 'SHA-256 of the token text, lower-case hexadecimal.';

alter table stream.agora_tokens enable row level security;
revoke all on table stream.agora_tokens from public, anon, authenticated, service_role;

-- sql/schema/052_requests.sql

-- Results by request id: the same call with the same id again returns what the first one did.
create table stream.requests (
    id bigint generated always as identity,
    caller uuid not null,
    request_id uuid not null,
    operation text not null,
    arguments_hash stream.sha256_hex not null,
    result jsonb,
    about uuid,
    created_at timestamptz not null default now(),
    constraint requests_pkey primary key (id),
    -- Comes before every other lock: a second call with the same id waits here for the first, and holds nothing.
    constraint requests_caller_request_id_key unique (caller, request_id)
) with (fillfactor = 70);
create index requests_created_at_idx on stream.requests (created_at);
create index requests_about_idx on stream.requests (about) where about is not null;
comment on table stream.requests is
    'First results of calls that named a request id, kept for config.request_retention_hours.';
comment on column stream.requests.caller is 'The user who called; the nil uuid for the service.';
comment on column stream.requests.arguments_hash is 'SHA-256 of the arguments, of which nothing else is kept.';
comment on column stream.requests.result is 'What the call returned; null while it runs.';
comment on column stream.requests.about is 'The user whom the result names, so that it goes when they are forgotten.';
-- Results hold reasons: no sample of them in the planner's statistics, where a forgotten one would stay.
alter table stream.requests alter column result set statistics 0;
alter table stream.requests enable row level security;
revoke all on table stream.requests from public, anon, authenticated, service_role;

-- sql/schema/055_webhooks.sql

-- Agora's notices: each one once, and the newest one of every user of a channel.
create table stream.webhook_events (
    notice_id text not null,
    received_at timestamptz not null default now(),
    product_id integer not null,
    event_type integer not null,
    channel_id text,
    session_id uuid,
    uid bigint,
    client_seq bigint,
    happened_at timestamptz,
    reason integer,
    duration_s bigint,
    status text not null,
    effect text,
    constraint webhook_events_pkey primary key (notice_id),
    constraint webhook_events_notice_id_1_to_64 check (length(notice_id) between 1 and 64),
    constraint webhook_events_channel_id_1_to_64 check (length(channel_id) between 1 and 64),
    constraint webhook_events_status_check
        check (status in ('applied', 'outdated', 'ignored', 'unknown_channel', 'test'))
) with (fillfactor = 80);
-- What the sweep takes, and when the newest one came.
create index webhook_events_received_at_idx on stream.webhook_events (received_at);
-- For a user who is forgotten.
create index webhook_events_session_id_uid_idx on stream.webhook_events (session_id, uid) where uid is not null;

comment on table stream.webhook_events is
    'Agora''s notices, each stored once however often it was sent, with what became of it. Kept config.webhook_retention_days.';
comment on column stream.webhook_events.session_id is
    'The stream of the channel; no foreign key, so that a notice may outlive its stream. Null: a channel of nobody here.';
comment on column stream.webhook_events.happened_at is 'When it happened by Agora''s clock, in whole seconds.';
comment on column stream.webhook_events.reason is 'Agora''s number of the reason for a leave.';
comment on column stream.webhook_events.duration_s is 'Seconds that a user who left was in the channel.';
comment on column stream.webhook_events.status is
    'applied, outdated (a newer one had come), ignored, unknown_channel or test (of the console); a repetition is not stored.';
comment on column stream.webhook_events.effect is 'What an applied notice did, or why it was ignored.';

create table stream.webhook_cursors (
    session_id uuid not null,
    uid bigint not null,
    position bigint not null,
    is_present boolean not null,
    happened_at timestamptz not null,
    seen_at timestamptz not null,
    forget_at timestamptz not null,
    constraint webhook_cursors_pkey primary key (session_id, uid),
    constraint webhook_cursors_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint webhook_cursors_uid_check check (uid between 0 and 4294967295)
) with (fillfactor = 70);
create index webhook_cursors_forget_at_idx on stream.webhook_cursors (forget_at);

comment on table stream.webhook_cursors is
    'The newest notice of each user of a channel: older ones that arrive later are not applied. Whoever has left '
    'is kept 60 s for that.';
comment on column stream.webhook_cursors.uid is 'Agora uid; 0 is the channel itself.';
comment on column stream.webhook_cursors.position is
    'clientSeq; of the channel itself twice the second in which it was created or destroyed, plus one if created.';
comment on column stream.webhook_cursors.is_present is 'Whether the user is in the channel, by Agora''s word. A hint.';
comment on column stream.webhook_cursors.forget_at is
    '60 s after the notice of a leave; after that of a join, when no stream can last any longer.';

alter table stream.webhook_events enable row level security;
alter table stream.webhook_cursors enable row level security;
revoke all on table stream.webhook_events, stream.webhook_cursors from public, anon, authenticated, service_role;

-- sql/schema/060_hooks.sql

-- Hooks: the host application's decisions. Created closed: nobody owns an auction, may view or chat.
-- The host-app migration replaces the bodies; no later release touches them again.
-- They run with the rights of the table owner, inside the privilege boundary, and must be STABLE. Keep them in
-- plpgsql: its statements are planned once per connection, those of language sql at every call (measured: send_message
-- took 0.92 ms with sql hooks and 0.16 ms with plpgsql ones).
create function stream.hook_username(user_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return null::text;
end
$$;
comment on function stream.hook_username(uuid) is
    'Host-app hook: the name shown beside a user''s messages. Never read it from user-editable metadata. Null: the user may not chat. '
    'Control characters, line separators and overrides of the text''s direction are taken out, and it is cut to 64 '
    'characters; a name of which nothing visible is left counts as null.';

create function stream.hook_owns_auction(user_id uuid, auction_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_owns_auction(uuid, uuid) is 'Host-app hook: whether the user may stream this auction.';

create function stream.hook_can_view(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_view(uuid, uuid) is
    'Host-app hook: whether the user may watch this stream and read its chat. The seller always may.';

create function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_chat(uuid, uuid) is
    'Host-app hook: whether the user, who holds a lease, may send chat messages. The seller always may.';

create function stream.hook_is_verified(user_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_is_verified(uuid) is
    'Host-app hook: whether the user may write while chat_mode is verified.';

create function stream.hook_can_moderate(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_moderate(uuid, uuid) is
    'Host-app hook: whether the user may moderate this stream''s chat. The seller always may.';

create function stream.hook_title(auction_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return null::text;
end
$$;
comment on function stream.hook_title(uuid) is
    'Host-app hook: what lists of streams show as the title of an auction, cut to 200 characters. Null: none.';

-- sql/schema/070_types.sql

-- Result types of operations.
create type stream.session as (
    id uuid,
    seller_id uuid,
    auction_id uuid,
    channel_id text,
    state text,
    state_reason text,
    generation integer,
    host_uid integer,
    viewer_count integer,
    peak_viewer_count integer,
    created_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    state_changed_at timestamptz,
    reconnect_deadline timestamptz,
    chat_mode text,
    slow_mode_ms integer,
    pinned_seq bigint,
    metadata jsonb,
    oldest_client text
);
comment on type stream.session is 'A stream session. host_uid is the only Agora uid whose video clients show.';
comment on column stream.session.state is '@enum initializing, active, paused, error, ended';
comment on column stream.session.state_reason is 'Why it is in this state, where somebody said so. @null';
comment on column stream.session.generation is 'Which device of the seller streams; one more at every takeover.';
comment on column stream.session.started_at is 'When it first was active. @null';
comment on column stream.session.ended_at is 'When it ended. @null';
comment on column stream.session.reconnect_deadline is 'Until when a lost host may return; set in state error. @null';
comment on column stream.session.chat_mode is 'Who may write. @enum viewers, verified, hosts, nobody';
comment on column stream.session.slow_mode_ms is 'How long a viewer waits between two messages; 0: not at all.';
comment on column stream.session.pinned_seq is 'The log entry that is kept in view. @null';
comment on column stream.session.metadata is 'Of the application. @json object';
comment on column stream.session.oldest_client is 'The oldest version of the contract whose clients the server serves.';

create type stream.token_privileges as (can_publish boolean, can_subscribe boolean, can_admin boolean);
comment on type stream.token_privileges is 'What an Agora token permits; can_admin is true for the host.';

create type stream.agora_token as (
    token text,
    channel_id text,
    uid integer,
    expires_at timestamptz,
    privileges stream.token_privileges
);
comment on type stream.agora_token is 'An Agora RTC token, version 007; privileges expire with it.';
comment on column stream.agora_token.uid is 'The Agora uid that the token is for.';

create type stream.granted_privilege as (service text, privilege text, expires_at timestamptz);
comment on type stream.granted_privilege is
    'One privilege of an inspected Agora token: of service rtc for instance join, publish_audio, publish_video, publish_data.';

create type stream.token_inspection as (
    version text,
    app_id text,
    channel_id text,
    account text,
    role text,
    privileges stream.granted_privilege[],
    issued_at timestamptz,
    expires_at timestamptz,
    is_expired boolean,
    is_signed boolean,
    signed_by text
);
comment on type stream.token_inspection is
    'What an Agora token says. account is the uid or the name as text; role is publisher or subscriber; signed_by is '
    'primary or secondary. is_signed is null where it cannot be told: version 006 without channel and account.';
comment on column stream.token_inspection.channel_id is 'Not in a token of version 006: the given one, where it fits. @null';
comment on column stream.token_inspection.account is 'Like channel_id. @null';
comment on column stream.token_inspection.role is '@null @enum publisher, subscriber';
comment on column stream.token_inspection.issued_at is 'Version 007 only. @null';
comment on column stream.token_inspection.is_signed is 'Whether one of our certificates signed it. @null';
comment on column stream.token_inspection.signed_by is 'Which certificate. @null @enum primary, secondary';

create type stream.viewer_lease as (
    session_id uuid,
    user_id uuid,
    agora_uid integer,
    join_no integer,
    joined_at timestamptz
);
comment on type stream.viewer_lease is 'A viewer''s place in a stream.';
comment on column stream.viewer_lease.agora_uid is 'The uid with which the viewer joins the channel.';
comment on column stream.viewer_lease.join_no is 'How often this viewer has joined; an older device knows itself by it.';

create type stream.chat_message as (
    id uuid,
    session_id uuid,
    seq bigint,
    user_id uuid,
    username text,
    content text,
    message_type text,
    created_at timestamptz,
    updated_at timestamptz,
    metadata jsonb,
    deleted_at timestamptz
);
comment on type stream.chat_message is 'One entry of a stream''s log.';
comment on column stream.chat_message.seq is 'Its number in the log, from 1 without gaps.';
comment on column stream.chat_message.user_id is 'Null for system messages, and when the user is gone. @null';
comment on column stream.chat_message.username is 'As it was when the message was sent. @null';
comment on column stream.chat_message.content is 'Empty once the message is deleted.';
comment on column stream.chat_message.message_type is '@enum user_message, system_message, auction_update';
comment on column stream.chat_message.metadata is 'What an entry says to programs, by its kind. @json object';
comment on column stream.chat_message.deleted_at is 'When its text was taken away. @null';

create type stream.message_result as (
    item integer,
    status text,
    retry_after_ms bigint,
    message stream.chat_message
);
comment on type stream.message_result is
    'Answer to one message of a batch, by its place from 1: ok and the stored message, or the code of the refusal.';
comment on column stream.message_result.status is '@enum ok, invalid_argument, not_self, session_not_found, stream_ended, banned, '
    'not_viewer, cannot_chat, anonymous_user, muted, chat_closed, slow_mode, rate_limited, content_empty, content_too_long, '
    'content_invalid, content_blocked, message_id_conflict, unauthenticated, token_invalid, lock_timeout, deadlock, '
    'statement_timeout, permission_denied, invalid_text, invalid_escape, invalid_syntax, out_of_range, read_only, '
    'too_many_connections, disk_full, out_of_memory, resource_limit, storage_failed, server_stopping, server_crashed, '
    'server_starting, internal';
comment on column stream.message_result.retry_after_ms is 'When to send it again, where that is known. @null';
comment on column stream.message_result.message is 'The stored message, when status is ok. @null';

create type stream.log_entry as (
    id uuid,
    seq bigint,
    user_id uuid,
    username text,
    content text,
    message_type text,
    created_at timestamptz,
    metadata jsonb,
    deleted_at timestamptz
);
comment on type stream.log_entry is 'An entry of a log whose stream is known: a chat_message without what says which.';
comment on column stream.log_entry.seq is 'Its number in the log, from 1 without gaps.';
comment on column stream.log_entry.user_id is 'Null for system messages, and when the user is gone. @null';
comment on column stream.log_entry.username is 'As it was when the message was sent. @null';
comment on column stream.log_entry.content is 'Empty once the message is deleted.';
comment on column stream.log_entry.message_type is '@enum user_message, system_message, auction_update';
comment on column stream.log_entry.metadata is 'What an entry says to programs, by its kind. @json object';
comment on column stream.log_entry.deleted_at is 'When its text was taken away. @null';

create type stream.sync_result as (
    session_id uuid,
    state text,
    role text,
    generation integer,
    host_uid integer,
    viewer_count integer,
    epoch text,
    head_seq bigint,
    oldest_seq bigint,
    recovered boolean,
    has_more boolean,
    messages json,
    read json,
    unread_count bigint,
    cooldown_ms integer,
    chat_mode text,
    slow_mode_ms integer,
    pinned_seq bigint,
    pinned json,
    restrictions json,
    poll_ms integer,
    server_time timestamptz,
    version text,
    oldest_client text
);
comment on type stream.sync_result is
    'State and missed messages from one snapshot. recovered = false: the messages are the newest page, drop what is '
    'older. viewer_count: the last count, as viewers:<id> told it. read: what the caller has read of the kept log, as [first, last] pairs of seq; unread_count: the rest. '
    'cooldown_ms: until the caller may write. pinned: the message of pinned_seq. restrictions: of the caller, '
    '[{kind, until, reason}]. The service is nobody: it has read nothing, and unread_count is null. version: of all the '
    'rest but server_time, oldest_client and what is left of cooldown_ms; equal ones of the same caller and cursor mean an equal result.';
comment on column stream.sync_result.state is '@enum initializing, active, paused, error, ended';
comment on column stream.sync_result.chat_mode is 'Who may write. @enum viewers, verified, hosts, nobody';
comment on column stream.sync_result.role is 'Of the caller. @enum seller, viewer, guest, service';
comment on column stream.sync_result.recovered is 'Whether the messages continue what the caller holds.';
comment on column stream.sync_result.has_more is 'Whether there are others behind the messages.';
comment on column stream.sync_result.messages is 'In ascending seq. @json stream.log_entry[]';
comment on column stream.sync_result.read is 'Ranges of seq, first and last included. @json pairs';
comment on column stream.sync_result.unread_count is 'Null for the service. @null';
comment on column stream.sync_result.cooldown_ms is 'Until the caller may write; 0: now.';
comment on column stream.sync_result.pinned_seq is 'The log entry that is kept in view. @null';
comment on column stream.sync_result.pinned is 'The entry of pinned_seq. @null @json stream.log_entry';
comment on column stream.sync_result.restrictions is 'Of the caller, in force. @json stream.own_restriction[]';
comment on column stream.sync_result.poll_ms is 'How often to call sync while frames come rarely, as frames say; the newest of them counts. @null';
comment on column stream.sync_result.version is 'epoch, head_seq, state, viewer_count and a digest of everything else. Compare it whole.';
comment on column stream.sync_result.oldest_client is 'The oldest version of the contract whose clients the server serves.';

create type stream.chat_subscription as (
    id uuid,
    session_id uuid,
    user_id uuid,
    channel text,
    is_active boolean
);
comment on type stream.chat_subscription is
    'That a user follows the chat of a stream; channel is the private Realtime topic to join.';

create type stream.viewer as (
    user_id uuid,
    agora_uid integer,
    joined_at timestamptz,
    last_seen_at timestamptz,
    foreground boolean,
    watch_ms bigint
);
comment on type stream.viewer is 'A viewer who holds a lease; watch_ms counts the present lease too.';

create type stream.heartbeat_result as (
    status text,
    session_id uuid,
    state text,
    generation integer,
    host_uid integer,
    epoch text,
    head_seq bigint,
    viewer_count integer,
    reconnect_deadline timestamptz,
    server_time timestamptz,
    next_in_ms integer,
    poll_ms integer,
    token stream.agora_token,
    oldest_client text
);
comment on type stream.heartbeat_result is
    'status is ok, also where the row was held and nothing was written, or superseded when another device has joined since. token is set when the caller''s is past 75 % of its life.';
comment on column stream.heartbeat_result.state is '@enum initializing, active, paused, error, ended';
comment on column stream.heartbeat_result.status is '@enum ok, superseded';
comment on column stream.heartbeat_result.next_in_ms is 'When to send the next heartbeat.';
comment on column stream.heartbeat_result.poll_ms is 'How often to call sync while frames come rarely, as frames say; the newest of them counts. @null';
comment on column stream.heartbeat_result.reconnect_deadline is 'Until when a lost host may return; set in state error. @null';
comment on column stream.heartbeat_result.token is 'A fresh one, when it is time. @null';
comment on column stream.heartbeat_result.oldest_client is 'The oldest version of the contract whose clients the server serves.';

create type stream.join_result as (
    lease stream.viewer_lease,
    token stream.agora_token,
    retry_after_ms bigint,
    sync stream.sync_result,
    contract_version text,
    oldest_client text
);
comment on type stream.join_result is
    'All that a viewer needs to show a stream. token is null when the caller has asked for too many and none of them can be '
    'handed out again; retry_after_ms then says when there is one, and is null otherwise.';
comment on column stream.join_result.token is 'Null where the caller asked for too many. @null';
comment on column stream.join_result.retry_after_ms is 'When there is a token, where there is none. @null';
comment on column stream.join_result.contract_version is 'Of the server; see contract/operations.json.';
comment on column stream.join_result.oldest_client is 'The oldest version whose clients the server serves.';

create type stream.batched_heartbeat as (item integer, status text, heartbeat stream.heartbeat_result);
comment on type stream.batched_heartbeat is
    'Answer to one heartbeat of a batch, by its place from 1: ok and what heartbeat answers, or the code of the refusal.';
comment on column stream.batched_heartbeat.status is '@enum ok, invalid_argument, not_self, session_not_found, stream_ended, '
    'banned, not_viewer, stale_host, unauthenticated, token_invalid, lock_timeout, deadlock, statement_timeout, '
    'permission_denied, invalid_text, invalid_escape, invalid_syntax, out_of_range, read_only, too_many_connections, '
    'disk_full, out_of_memory, resource_limit, storage_failed, server_stopping, server_crashed, server_starting, internal';
comment on column stream.batched_heartbeat.heartbeat is 'With a fresh token, when it is time: of this user alone. Null where status is not ok. @null';

create type stream.webhook_result as (status text, effect text);
comment on type stream.webhook_result is
    'status is applied, duplicate, outdated, ignored, unknown_channel or test; effect is what an applied notice did, '
    'or why it was ignored.';
comment on column stream.webhook_result.status is '@enum applied, duplicate, outdated, ignored, unknown_channel, test';
comment on column stream.webhook_result.effect is '@null';

create type stream.sweep_rule as (rule text, rows integer, oldest_age interval);
comment on type stream.sweep_rule is 'What one rule of a sweep did: rows handled, and for how long the oldest was due.';
comment on column stream.sweep_rule.oldest_age is 'Null where nothing was due. @null';

create type stream.check_result as (check_name text, status text, detail text);
comment on type stream.check_result is 'One check of doctor(): status is ok, warning or failure.';
comment on column stream.check_result.status is '@enum ok, warning, failure';

create type stream.metric as (name text, labels jsonb, value double precision);
comment on type stream.metric is 'One figure of the view stream.metrics, named and labelled as Prometheus does.';
comment on column stream.metric.labels is 'Texts by name. @json object';

create type stream.canary_status as (
    user_id uuid,
    canary_no bigint,
    sent_at timestamptz,
    has_partition boolean,
    is_published boolean,
    is_followed boolean,
    server_time timestamptz
);
comment on type stream.canary_status is 'What the database knows of its canary: what was sent, and whether Realtime can read it.';
comment on column stream.canary_status.user_id is 'To whom it is sent. Null: none is. @null';
comment on column stream.canary_status.canary_no is 'Number of the last one.';
comment on column stream.canary_status.sent_at is 'Null: none was ever sent. @null';
comment on column stream.canary_status.has_partition is 'Whether realtime.messages takes rows of today.';
comment on column stream.canary_status.is_published is 'Whether a publication contains realtime.messages.';
comment on column stream.canary_status.is_followed is 'Whether Realtime reads the database by a slot.';

-- sql/schema/072_event_types.sql

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

-- sql/schema/074_moderation_types.sql

-- Result types of moderation and reports.
create type stream.restriction as (
    user_id uuid,
    kind text,
    until timestamptz,
    actor uuid,
    reason text,
    created_at timestamptz
);
comment on type stream.restriction is 'A mute or ban in force; until is null when it lasts until lifted, actor when the service set it.';
comment on column stream.restriction.kind is '@enum mute, ban';
comment on column stream.restriction.until is 'Null: until it is lifted. @null';
comment on column stream.restriction.actor is 'Null: the service. @null';
comment on column stream.restriction.reason is '@null';

create type stream.blocked_term as (session_id uuid, term text, actor uuid, created_at timestamptz);
comment on type stream.blocked_term is 'A term that no message may contain; session_id is null for all streams.';
comment on column stream.blocked_term.session_id is 'Null: of all streams. @null';
comment on column stream.blocked_term.actor is 'Null: the service. @null';

create type stream.moderation_entry as (
    id bigint,
    session_id uuid,
    seq bigint,
    action text,
    actor uuid,
    user_id uuid,
    target_seq bigint,
    reason text,
    until timestamptz,
    term text,
    created_at timestamptz
);
comment on type stream.moderation_entry is
    'One decision of a moderator. seq is the log entry that announced it, null where nothing is announced.';
comment on column stream.moderation_entry.session_id is 'Null: about all streams. @null';
comment on column stream.moderation_entry.seq is '@null';
comment on column stream.moderation_entry.action is '@enum user_muted, user_banned, mute_lifted, ban_lifted, message_deleted, '
    'user_messages_deleted, messages_deleted, message_pinned, message_unpinned, slow_mode, chat_mode, term_blocked, '
    'term_unblocked, report_resolved';
comment on column stream.moderation_entry.actor is 'Null: the service. @null';
comment on column stream.moderation_entry.user_id is 'Whom it was about. @null';
comment on column stream.moderation_entry.target_seq is 'The message that it was about. @null';
comment on column stream.moderation_entry.reason is '@null';
comment on column stream.moderation_entry.until is '@null';
comment on column stream.moderation_entry.term is '@null';

create type stream.own_restriction as (kind text, until timestamptz, reason text);
comment on type stream.own_restriction is 'A mute or ban in force, as the one hears of it whom it is about.';
comment on column stream.own_restriction.kind is '@enum mute, ban';
comment on column stream.own_restriction.until is 'Null: until it is lifted. @null';
comment on column stream.own_restriction.reason is '@null';

create type stream.message_report as (
    session_id uuid,
    message_id uuid,
    seq bigint,
    user_id uuid,
    reason text,
    created_at timestamptz
);
comment on type stream.message_report is 'That a user reported a message.';
comment on column stream.message_report.user_id is 'Who reported it.';
comment on column stream.message_report.reason is 'At most 200 characters. @null';

create type stream.reported_message as (
    session_id uuid,
    message_id uuid,
    seq bigint,
    user_id uuid,
    username text,
    report_count integer,
    first_reported_at timestamptz,
    last_reported_at timestamptz,
    reports stream.message_report[]
);
comment on type stream.reported_message is 'A message whose reports no moderator has resolved yet.';
comment on column stream.reported_message.user_id is 'Who wrote it; null for users deleted since. @null';
comment on column stream.reported_message.username is 'The author''s name when it was sent. @null';
comment on column stream.reported_message.report_count is 'How often it was reported, also by users who are gone since.';
comment on column stream.reported_message.reports is 'Who reported it, when and why: the newest 20, the newest first.';

-- sql/schema/076_stream_types.sql

-- Result types of lists and summaries of streams.
create type stream.live_stream as (
    session_id uuid,
    auction_id uuid,
    seller_id uuid,
    title text,
    state text,
    viewer_count integer,
    peak_viewer_count integer,
    created_at timestamptz,
    started_at timestamptz
);
comment on type stream.live_stream is 'A stream that has not ended, as lists show it.';
comment on column stream.live_stream.state is '@enum initializing, active, paused, error, ended';
comment on column stream.live_stream.title is 'What hook_title calls the auction, at most 200 characters. @null';
comment on column stream.live_stream.viewer_count is 'The last count, as viewers:<session_id> told it.';
comment on column stream.live_stream.started_at is 'When it first became active. @null';

create type stream.live_page as (streams stream.live_stream[], next_after uuid);
comment on type stream.live_page is 'A page of the streams that are on, the newest first.';
comment on column stream.live_page.next_after is 'The argument after of the next page; null when nothing is left. @null';

create type stream.stream_summary as (
    session_id uuid,
    auction_id uuid,
    title text,
    state text,
    end_reason text,
    created_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    duration_ms bigint,
    peak_viewer_count integer,
    unique_viewers bigint,
    watch_ms bigint,
    message_count bigint,
    deleted_message_count bigint
);
comment on type stream.stream_summary is
    'The figures of one stream, so far while it goes on. Viewers who were deleted or forgotten before it ended are not among them.';
comment on column stream.stream_summary.state is '@enum initializing, active, paused, error, ended';
comment on column stream.stream_summary.title is 'What hook_title calls the auction, at most 200 characters. @null';
comment on column stream.stream_summary.end_reason is
    'Why it ended, where that was said: by whoever ended it, or the rule of the sweep. @null';
comment on column stream.stream_summary.started_at is 'When it first became active. @null';
comment on column stream.stream_summary.ended_at is 'When it ended; null while it goes on. @null';
comment on column stream.stream_summary.duration_ms is
    'Milliseconds from when it first became active to its end, or to now; 0 if it never became active.';
comment on column stream.stream_summary.watch_ms is 'Milliseconds that all viewers together watched.';
comment on column stream.stream_summary.message_count is 'Messages of users, the deleted ones among them.';
comment on column stream.stream_summary.deleted_message_count is 'Those that were deleted, by the end of the stream.';

-- sql/schema/077_reaction_types.sql

-- What reacting to a stream returns.
create type stream.reaction_result as (accepted boolean, retry_after_ms bigint);
comment on type stream.reaction_result is
    'Whether a reaction counts. One beyond the rate does not, and is no error: it is not to be sent again.';
comment on column stream.reaction_result.retry_after_ms is 'Milliseconds until one counts again; null where this one did. @null';

-- sql/schema/078_user_types.sql

-- The result type of forgetting a user.
create type stream.erasure_result as (changed integer, has_more boolean);
comment on type stream.erasure_result is
    'One part of an erasure: rows that were deleted or cleared, and whether to call again.';

-- sql/schema/090_sequences.sql

-- Sequences of identity columns, which default privileges of a database may have granted.
revoke all on all sequences in schema stream from public, anon, authenticated, service_role;

select pg_catalog.set_config('search_path', pg_catalog.current_setting('pg_stream.path_before'), false);
