-- Generated from sql/*.sql by `cargo x sql bundle`; change those files, not this one.

-- sql/010_schemas.sql

-- The extension, the three schemas and the helper that policies use.
--
-- stream          what callers see: SECURITY INVOKER wrappers, and the tables (no API role holds a table privilege)
-- stream_private  the one privilege boundary: SECURITY DEFINER, not exposed by PostgREST
-- stream_ext      native functions; they refuse unless the effective user owns the tables
create extension if not exists pg_stream_ext;

create schema stream;
comment on schema stream is 'Live streams, viewers and chat. Exposed to PostgREST; call its functions by rpc.';

create schema stream_private;
comment on schema stream_private is
    'The privilege boundary of schema stream: SECURITY DEFINER functions. Never expose this schema.';

revoke all on schema stream from public;
revoke all on schema stream_private from public;
grant usage on schema stream to authenticated, service_role;
grant usage on schema stream_private to authenticated, service_role;

create function stream.user_id() returns uuid
language sql stable parallel safe
set search_path = ''
as $$
    select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
comment on function stream.user_id() is
    'The signed-in user: claim sub of request.jwt.claims, null when there is none.';
revoke all on function stream.user_id() from public, anon, authenticated, service_role;
grant execute on function stream.user_id() to authenticated, service_role;

-- sql/020_config.sql

-- Settings: one typed row; a wrong value is refused by its CHECK.
create table stream.config (
    id boolean not null default true,
    agora_app_id text,
    agora_certificate_secret text not null default 'agora_app_certificate',
    token_ttl_s integer not null default 3600,
    anonymous_users_may_chat boolean not null default false,
    epoch_salt text not null default '',
    constraint config_pkey primary key (id),
    constraint config_id_single_row check (id),
    constraint config_agora_app_id_is_32_hex check (agora_app_id ~ '^[0-9a-fA-F]{32}$'),
    constraint config_agora_certificate_secret_1_to_255 check (length(agora_certificate_secret) between 1 and 255),
    constraint config_token_ttl_s_60_to_86400 check (token_ttl_s between 60 and 86400)
);
comment on table stream.config is 'Settings, exactly one row (id = true). Change them with: update stream.config set ... where id.';
comment on column stream.config.agora_app_id is 'Agora App ID: 32 hexadecimal digits. Not a secret. Null: token functions answer not_configured.';
comment on column stream.config.agora_certificate_secret is
    'Name of the Supabase Vault secret that holds the Agora primary certificate; never the certificate itself.';
comment on column stream.config.token_ttl_s is 'Life of an Agora token in seconds, 60 to 86400 (Agora''s own limit is 24 h).';
comment on column stream.config.anonymous_users_may_chat is 'Whether anonymous sign-ins (claim is_anonymous) may send chat messages.';
comment on column stream.config.epoch_salt is 'Part of the epoch: changing it makes every client resynchronise.';

alter table stream.config enable row level security;
revoke all on table stream.config from public, anon, authenticated, service_role;
insert into stream.config (id) values (true);

-- sql/030_streams.sql

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
    metadata jsonb not null default '{}',
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
    constraint stream_sessions_metadata_check check (jsonb_typeof(metadata) = 'object')
) with (fillfactor = 80);
create unique index stream_sessions_auction_id_live_key on stream.stream_sessions (auction_id) where state <> 'ended';
create index stream_sessions_auction_id_idx on stream.stream_sessions (auction_id);
create index stream_sessions_seller_id_idx on stream.stream_sessions (seller_id);

comment on table stream.stream_sessions is 'One row per broadcast of an auction. At most one that has not ended per auction.';
comment on column stream.stream_sessions.id is 'UUID version 7.';
comment on column stream.stream_sessions.channel_id is 'Agora channel name; the text of id.';
comment on column stream.stream_sessions.state is 'initializing, active, paused, error or ended (final).';
comment on column stream.stream_sessions.state_seq is 'seq of the log entry that announced the current state.';
comment on column stream.stream_sessions.generation is
    'Fencing number: one more with every takeover by the host. It is also the host''s Agora uid, so an old phone cannot evict the new one.';
comment on column stream.stream_sessions.viewer_count is 'Active viewers, derived by counting stream_viewers.';
comment on column stream.stream_sessions.started_at is 'When the stream first became active.';

create table stream.stream_viewers (
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    user_id uuid not null,
    agora_uid integer not null,
    join_no integer not null default 1,
    joined_at timestamptz not null default now(),
    left_at timestamptz,
    is_active boolean not null default true,
    constraint stream_viewers_pkey primary key (session_id, user_id),
    constraint stream_viewers_session_id_agora_uid_key unique (session_id, agora_uid),
    constraint stream_viewers_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint stream_viewers_agora_uid_check check (agora_uid >= 1000000),
    constraint stream_viewers_join_no_check check (join_no >= 1),
    constraint stream_viewers_left_at_check check (is_active = (left_at is null))
) with (fillfactor = 80);
create index stream_viewers_session_id_active_idx on stream.stream_viewers (session_id) where is_active;
create index stream_viewers_user_id_idx on stream.stream_viewers (user_id);

comment on table stream.stream_viewers is 'One row per viewer and stream, kept over rejoins.';
comment on column stream.stream_viewers.agora_uid is 'Agora uid, 1,000,000 to 2^31-1, unique in the session and stable per viewer.';
comment on column stream.stream_viewers.join_no is 'One more with every join; the last device to join holds the place.';

create function stream_private.recount_deleted_viewers() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    update stream.stream_sessions as s
    set viewer_count = (
        select count(*) from stream.stream_viewers as v where v.session_id = s.id and v.is_active
    )
    where s.id in (select o.session_id from old_rows as o where o.is_active) and s.state <> 'ended';
    return null;
end
$$;
comment on function stream_private.recount_deleted_viewers() is 'A deleted user no longer counts.';
revoke all on function stream_private.recount_deleted_viewers() from public, anon, authenticated, service_role;

create trigger stream_viewers_recount_deleted
after delete on stream.stream_viewers
referencing old table as old_rows
for each statement execute function stream_private.recount_deleted_viewers();

create function stream_private.refuse_deleting_live_session() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    if old.state <> 'ended' then
        perform stream_ext.refuse('stream_live');
    end if;
    return old;
end
$$;
comment on function stream_private.refuse_deleting_live_session() is
    'A stream must end before it, its seller or its auction can be deleted.';
revoke all on function stream_private.refuse_deleting_live_session() from public, anon, authenticated, service_role;

create trigger stream_sessions_refuse_deleting_live
before delete on stream.stream_sessions
for each row execute function stream_private.refuse_deleting_live_session();

alter table stream.stream_sessions enable row level security;
alter table stream.stream_viewers enable row level security;
revoke all on table stream.stream_sessions, stream.stream_viewers from public, anon, authenticated, service_role;

-- sql/040_chat.sql

-- The log of a stream: its head (the lock and the next number), how far frames were written, and the entries.
create table stream.chat_heads (
    session_id uuid not null,
    last_seq bigint not null default 0,
    last_at timestamptz not null default '-infinity',
    open boolean not null default true,
    constraint chat_heads_pkey primary key (session_id),
    constraint chat_heads_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_heads_last_seq_check check (last_seq >= 0)
) with (fillfactor = 50);
comment on table stream.chat_heads is
    'One row per session: whoever updates it holds the log until commit, so commit order equals seq order. Only its key is indexed, so updates stay HOT.';
comment on column stream.chat_heads.open is 'False once the stream has ended: nothing is logged after that.';

create table stream.chat_relay (
    session_id uuid not null,
    flushed_seq bigint not null default 0,
    flushed_at timestamptz not null default '-infinity',
    constraint chat_relay_pkey primary key (session_id),
    constraint chat_relay_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint chat_relay_flushed_seq_check check (flushed_seq >= 0)
) with (fillfactor = 50);
comment on table stream.chat_relay is 'How far the log of each session was written to Realtime as frames.';

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
    constraint chat_messages_content_check check (length(content) between 1 and 2000),
    constraint chat_messages_message_type_check
        check (message_type in ('user_message', 'system_message', 'auction_update')),
    constraint chat_messages_metadata_check check (jsonb_typeof(metadata) = 'object')
);
create index chat_messages_user_id_idx on stream.chat_messages (user_id) where user_id is not null;

comment on table stream.chat_messages is 'The gap-free log of every stream: chat, system messages and auction updates.';
comment on column stream.chat_messages.id is 'Made by the client, so that a retry is recognised; unique in its session.';
comment on column stream.chat_messages.seq is 'Dense number from 1 in each session, in commit order.';
comment on column stream.chat_messages.user_id is 'The sender; null for system rows and for users deleted since.';
comment on column stream.chat_messages.username is 'The sender''s name when it was sent, from hook_username.';
comment on column stream.chat_messages.created_at is 'Strictly increasing with seq.';

alter table stream.chat_heads enable row level security;
alter table stream.chat_relay enable row level security;
alter table stream.chat_messages enable row level security;
revoke all on table stream.chat_heads, stream.chat_relay, stream.chat_messages
    from public, anon, authenticated, service_role;

-- sql/050_tokens.sql

-- Agora tokens that were handed out: their hash, never the token.
create table stream.agora_tokens (
    id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    session_id uuid not null,
    token_hash text not null,
    channel_id text not null,
    uid integer not null,
    privileges jsonb not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    is_active boolean not null default true,
    constraint agora_tokens_pkey primary key (id),
    constraint agora_tokens_session_id_fkey foreign key (session_id)
        references stream.stream_sessions (id) on delete cascade,
    constraint agora_tokens_token_hash_check check (token_hash ~ '^[0-9a-f]{64}$'),
    constraint agora_tokens_uid_check check (uid >= 1),
    constraint agora_tokens_expires_at_check check (expires_at > created_at)
);
create index agora_tokens_session_id_user_id_idx on stream.agora_tokens (session_id, user_id);
create index agora_tokens_user_id_idx on stream.agora_tokens (user_id);

comment on table stream.agora_tokens is 'Agora tokens handed out, for audit.';
comment on column stream.agora_tokens.token_hash is 'SHA-256 of the token text, lower-case hexadecimal.';

alter table stream.agora_tokens enable row level security;
revoke all on table stream.agora_tokens from public, anon, authenticated, service_role;

-- sql/060_hooks.sql

-- What the host application decides. Created closed: nobody owns an auction, may view or chat.
-- The host-app migration replaces the bodies; no later release touches them again.
-- They run with the rights of the table owner, inside the privilege boundary, and must be STABLE. Keep them in
-- plpgsql: its statements are planned once per connection, those of language sql at every call (measured: send_message
-- took 0.92 ms with sql hooks and 0.16 ms with plpgsql ones).
create function stream.hook_username(user_id uuid) returns text
language plpgsql stable
set search_path = ''
as $$
begin
    return null::text;
end
$$;
comment on function stream.hook_username(uuid) is
    'Host-app hook: the name shown beside a user''s messages. Never read it from user-editable metadata. Null: the user may not chat.';

create function stream.hook_owns_auction(user_id uuid, auction_id uuid) returns boolean
language plpgsql stable
set search_path = ''
as $$
begin
    return false;
end
$$;
comment on function stream.hook_owns_auction(uuid, uuid) is 'Host-app hook: whether the user may stream this auction.';

create function stream.hook_can_view(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = ''
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_view(uuid, uuid) is
    'Host-app hook: whether the user may watch this stream and read its chat. The seller always may.';

create function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = ''
as $$
begin
    return false;
end
$$;
comment on function stream.hook_can_chat(uuid, uuid) is
    'Host-app hook: whether the user, who holds a lease, may send chat messages. The seller always may.';

revoke all on function stream.hook_username(uuid), stream.hook_owns_auction(uuid, uuid),
    stream.hook_can_view(uuid, uuid), stream.hook_can_chat(uuid, uuid)
    from public, anon, authenticated, service_role;

-- sql/070_types.sql

-- The result types that callers see.
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
    metadata jsonb
);
comment on type stream.session is 'A stream session. host_uid is the only Agora uid whose video clients show.';

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

create type stream.viewer_lease as (
    session_id uuid,
    user_id uuid,
    agora_uid integer,
    join_no integer,
    joined_at timestamptz,
    viewer_count integer
);
comment on type stream.viewer_lease is 'A viewer''s place in a stream.';

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
    server_time timestamptz
);
comment on type stream.sync_result is
    'State and missed messages from one snapshot. recovered = false: the messages are the newest page, drop what is older.';

-- sql/110_lifecycle.sql

-- Lifecycle: starting, moving and reading a stream session.
create function stream_private.session(session_id uuid)
returns stream.session
language sql stable
set search_path = ''
as $$
    select row(
        s.id, s.seller_id, s.auction_id, s.channel_id, s.state, s.state_reason, s.generation, s.generation,
        s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at, s.ended_at, s.state_changed_at, s.metadata
    )::stream.session
    from stream.stream_sessions as s
    where s.id = $1
$$;
comment on function stream_private.session(uuid) is 'A session as callers see it; for the functions of this schema only.';
revoke all on function stream_private.session(uuid) from public, anon, authenticated, service_role;

create function stream_private.start_stream(auction_id uuid, seller_id uuid)
returns stream.session
language plpgsql security definer
set search_path = ''
as $$
declare
    started uuid := stream_ext.start_stream($1, $2);
begin
    -- A statement of its own: it must see the new row.
    return stream_private.session(started);
end
$$;

create function stream.start_stream(auction_id uuid, seller_id uuid default null)
returns stream.session
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.start_stream($1, $2);
end
$$;
comment on function stream.start_stream(uuid, uuid) is
    'Starts a stream of an auction, state initializing. By the same seller while one is live: takes it '
    'over, generation + 1. seller_id null: the caller.';

revoke all on function stream_private.start_stream(uuid, uuid), stream.start_stream(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.start_stream(uuid, uuid), stream.start_stream(uuid, uuid)
    to authenticated, service_role;

create function stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer)
returns stream.session
language plpgsql security definer
set search_path = ''
as $$
begin
    perform stream_ext.change_state($1, $2, $3, $4);
    return stream_private.session($1);
end
$$;

create function stream.update_stream_state(
    session_id uuid,
    state text,
    reason text default null,
    generation integer default null
)
returns stream.session
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.update_stream_state($1, $2, $3, $4);
end
$$;
comment on function stream.update_stream_state(uuid, text, text, integer) is
    'Moves a stream to a state (initializing, active, paused, ended, error). The same state again '
    'succeeds without an event. Seller and service only.';

revoke all on function stream_private.update_stream_state(uuid, text, text, integer),
    stream.update_stream_state(uuid, text, text, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.update_stream_state(uuid, text, text, integer),
    stream.update_stream_state(uuid, text, text, integer)
    to authenticated, service_role;

create function stream_private.pause_stream(session_id uuid, generation integer, reason text)
returns stream.session
language plpgsql security definer
set search_path = ''
as $$
begin
    perform stream_ext.change_state($1, 'paused', $3, $2);
    return stream_private.session($1);
end
$$;

create function stream.pause_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.pause_stream($1, $2, $3);
end
$$;
comment on function stream.pause_stream(uuid, integer, text) is
    'Pauses a stream. Seller and service only.';

revoke all on function stream_private.pause_stream(uuid, integer, text), stream.pause_stream(uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.pause_stream(uuid, integer, text), stream.pause_stream(uuid, integer, text)
    to authenticated, service_role;

create function stream_private.resume_stream(session_id uuid, generation integer, reason text)
returns stream.session
language plpgsql security definer
set search_path = ''
as $$
begin
    perform stream_ext.change_state($1, 'active', $3, $2);
    return stream_private.session($1);
end
$$;

create function stream.resume_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.resume_stream($1, $2, $3);
end
$$;
comment on function stream.resume_stream(uuid, integer, text) is
    'Moves a stream to active. Seller and service only.';

revoke all on function stream_private.resume_stream(uuid, integer, text), stream.resume_stream(uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.resume_stream(uuid, integer, text), stream.resume_stream(uuid, integer, text)
    to authenticated, service_role;

create function stream_private.end_stream(session_id uuid, generation integer, reason text)
returns stream.session
language plpgsql security definer
set search_path = ''
as $$
begin
    perform stream_ext.change_state($1, 'ended', $3, $2);
    return stream_private.session($1);
end
$$;

create function stream.end_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.end_stream($1, $2, $3);
end
$$;
comment on function stream.end_stream(uuid, integer, text) is
    'Ends a stream for good: viewers leave, the log closes. Seller and service only.';

revoke all on function stream_private.end_stream(uuid, integer, text), stream.end_stream(uuid, integer, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.end_stream(uuid, integer, text), stream.end_stream(uuid, integer, text)
    to authenticated, service_role;

create function stream_private.get_stream_state(session_id uuid)
returns text
language plpgsql stable security definer
set search_path = ''
as $$
begin
    return stream_ext.get_stream_state($1);
end
$$;

create function stream.get_stream_state(session_id uuid)
returns text
language plpgsql stable
set search_path = ''
as $$
begin
    return stream_private.get_stream_state($1);
end
$$;
comment on function stream.get_stream_state(uuid) is
    'The state of a stream: initializing, active, paused, ended or error.';

revoke all on function stream_private.get_stream_state(uuid), stream.get_stream_state(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_stream_state(uuid), stream.get_stream_state(uuid)
    to authenticated, service_role;

create function stream_private.get_session(session_id uuid)
returns stream.session
language plpgsql stable security definer
set search_path = ''
as $$
begin
    perform stream_ext.authorize_view($1);
    return stream_private.session($1);
end
$$;

create function stream.get_session(session_id uuid)
returns stream.session
language plpgsql stable
set search_path = ''
as $$
begin
    return stream_private.get_session($1);
end
$$;
comment on function stream.get_session(uuid) is
    'A stream session, for whoever may view it.';

revoke all on function stream_private.get_session(uuid), stream.get_session(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_session(uuid), stream.get_session(uuid)
    to authenticated, service_role;

-- sql/120_tokens.sql

-- Agora tokens for the host and for viewers.
create function stream_private.generate_seller_token(seller_id uuid, channel_id text)
returns stream.agora_token
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.agora_token;
begin
    select t.token, t.channel_id, t.uid, t.expires_at,
        row(t.can_publish, t.can_subscribe, t.can_admin)::stream.token_privileges
    into result
    from stream_ext.generate_token($1, $2, true) as t;
    return result;
end
$$;

create function stream.generate_seller_token(seller_id uuid, channel_id text)
returns stream.agora_token
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.generate_seller_token($1, $2);
end
$$;
comment on function stream.generate_seller_token(uuid, text) is
    'A publisher token for the seller of the stream on this channel. seller_id null: the caller.';

revoke all on function stream_private.generate_seller_token(uuid, text), stream.generate_seller_token(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.generate_seller_token(uuid, text), stream.generate_seller_token(uuid, text)
    to authenticated, service_role;

create function stream_private.generate_buyer_token(buyer_id uuid, channel_id text)
returns stream.agora_token
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.agora_token;
begin
    select t.token, t.channel_id, t.uid, t.expires_at,
        row(t.can_publish, t.can_subscribe, t.can_admin)::stream.token_privileges
    into result
    from stream_ext.generate_token($1, $2, false) as t;
    return result;
end
$$;

create function stream.generate_buyer_token(buyer_id uuid, channel_id text)
returns stream.agora_token
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.generate_buyer_token($1, $2);
end
$$;
comment on function stream.generate_buyer_token(uuid, text) is
    'A subscriber token for a viewer who has joined the stream on this channel. buyer_id null: the caller.';

revoke all on function stream_private.generate_buyer_token(uuid, text), stream.generate_buyer_token(uuid, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.generate_buyer_token(uuid, text), stream.generate_buyer_token(uuid, text)
    to authenticated, service_role;

-- sql/130_viewers.sql

-- Viewers: joining, leaving, counting.
create function stream_private.add_viewer(session_id uuid, buyer_id uuid)
returns stream.viewer_lease
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.viewer_lease;
begin
    select v.session_id, v.user_id, v.agora_uid, v.join_no, v.joined_at, v.viewer_count
    into result
    from stream_ext.add_viewer($1, $2) as v;
    return result;
end
$$;

create function stream.add_viewer(session_id uuid, buyer_id uuid default null)
returns stream.viewer_lease
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.add_viewer($1, $2);
end
$$;
comment on function stream.add_viewer(uuid, uuid) is
    'Joins a stream; a second join keeps the row and counts join_no up. buyer_id null: the caller.';

revoke all on function stream_private.add_viewer(uuid, uuid), stream.add_viewer(uuid, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.add_viewer(uuid, uuid), stream.add_viewer(uuid, uuid)
    to authenticated, service_role;

create function stream_private.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)
returns text
language plpgsql security definer
set search_path = ''
as $$
begin
    return stream_ext.remove_viewer($1, $2, $3);
end
$$;

create function stream.remove_viewer(session_id uuid, buyer_id uuid default null, join_no integer default null)
returns text
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.remove_viewer($1, $2, $3);
end
$$;
comment on function stream.remove_viewer(uuid, uuid, integer) is
    'Leaves a stream: removed, not_joined, or superseded when join_no is not the newest join (nothing changes then).';

revoke all on function stream_private.remove_viewer(uuid, uuid, integer), stream.remove_viewer(uuid, uuid, integer)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.remove_viewer(uuid, uuid, integer), stream.remove_viewer(uuid, uuid, integer)
    to authenticated, service_role;

create function stream_private.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable security definer
set search_path = ''
as $$
begin
    return stream_ext.get_viewer_count($1);
end
$$;

create function stream.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable
set search_path = ''
as $$
begin
    return stream_private.get_viewer_count($1);
end
$$;
comment on function stream.get_viewer_count(uuid) is
    'The number of active viewers, counted.';

revoke all on function stream_private.get_viewer_count(uuid), stream.get_viewer_count(uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_viewer_count(uuid), stream.get_viewer_count(uuid)
    to authenticated, service_role;

-- sql/140_chat.sql

-- Chat: sending, history, synchronisation.
create function stream_private.send_message(session_id uuid, user_id uuid, content text, id uuid)
returns stream.chat_message
language plpgsql security definer
set search_path = ''
as $$
declare
    result stream.chat_message;
begin
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content,
        m.message_type, m.created_at, m.updated_at, m.metadata, m.deleted_at
    into result
    from stream_ext.send_message($1, $2, $3, $4) as m;
    return result;
end
$$;

create function stream.send_message(session_id uuid, user_id uuid, content text, id uuid default null)
returns stream.chat_message
language plpgsql
set search_path = ''
as $$
begin
    return stream_private.send_message($1, $2, $3, $4);
end
$$;
comment on function stream.send_message(uuid, uuid, text, uuid) is
    'Sends a chat message: 1 to 2,000 characters after trimming. id is made by the client; the same id '
    'again returns the stored message. user_id null: the caller.';

revoke all on function stream_private.send_message(uuid, uuid, text, uuid),
    stream.send_message(uuid, uuid, text, uuid)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.send_message(uuid, uuid, text, uuid),
    stream.send_message(uuid, uuid, text, uuid)
    to authenticated, service_role;

create function stream_private.get_message_history(
    session_id uuid,
    "limit" integer,
    "offset" integer,
    before_seq bigint,
    after_seq bigint
)
returns setof stream.chat_message
language plpgsql stable security definer
set search_path = ''
as $$
begin
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content,
        m.message_type, m.created_at, m.updated_at, m.metadata, m.deleted_at
    from stream_ext.get_message_history($1, $2, $3, $4, $5) as m;
end
$$;

create function stream.get_message_history(
    session_id uuid,
    "limit" integer default 50,
    "offset" integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns setof stream.chat_message
language plpgsql stable
set search_path = ''
as $$
begin
    return query select * from stream_private.get_message_history($1, $2, $3, $4, $5);
end
$$;
comment on function stream.get_message_history(uuid, integer, integer, bigint, bigint) is
    'A page of the log in ascending seq: the newest messages, offset of them skipped, or those before or '
    'after a seq. limit 1 to 200.';

revoke all on function stream_private.get_message_history(uuid, integer, integer, bigint, bigint),
    stream.get_message_history(uuid, integer, integer, bigint, bigint)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.get_message_history(uuid, integer, integer, bigint, bigint),
    stream.get_message_history(uuid, integer, integer, bigint, bigint)
    to authenticated, service_role;

create function stream_private.sync(session_id uuid, after_seq bigint, epoch text)
returns stream.sync_result
language plpgsql stable security definer
set search_path = ''
as $$
declare
    result stream.sync_result;
begin
    select y.session_id, y.state, y.role, y.generation, y.host_uid, y.viewer_count, y.epoch, y.head_seq,
        y.oldest_seq, y.recovered, y.has_more, y.messages::json, y.server_time
    into result
    from stream_ext.sync($1, $2, $3) as y;
    return result;
end
$$;

create function stream.sync(session_id uuid, after_seq bigint default null, epoch text default null)
returns stream.sync_result
language plpgsql stable
set search_path = ''
as $$
begin
    return stream_private.sync($1, $2, $3);
end
$$;
comment on function stream.sync(uuid, bigint, text) is
    'State, counts and the messages after after_seq (at most 1,000; has_more says there are others), '
    'from one snapshot. Without after_seq, or when the epoch is another: the newest page.';

revoke all on function stream_private.sync(uuid, bigint, text), stream.sync(uuid, bigint, text)
    from public, anon, authenticated, service_role;
grant execute on function stream_private.sync(uuid, bigint, text), stream.sync(uuid, bigint, text)
    to authenticated, service_role;

-- sql/200_emission.sql

-- Triggers that emit to Supabase Realtime, in the writing transaction, once per statement.
create function stream_private.emit_session_changes() returns trigger
language plpgsql
set search_path = ''
as $$
declare
    changed record;
begin
    for changed in
        select n.id, n.state, o.state as previous_state, n.state_reason, n.state_seq, n.generation,
            n.viewer_count, n.peak_viewer_count,
            (n.state, n.generation) is distinct from (o.state, o.generation) as state_changed,
            n.viewer_count is distinct from o.viewer_count as count_changed
        from new_rows as n
        join old_rows as o on o.id = n.id
        where (n.state, n.generation, n.viewer_count) is distinct from (o.state, o.generation, o.viewer_count)
        order by n.id
    loop
        if changed.state_changed then
            perform stream_ext.emit('stream:' || changed.id, 'state', jsonb_build_object(
                'session_id', changed.id,
                'seq', changed.state_seq,
                'state', changed.state,
                'previous_state', changed.previous_state,
                'reason', changed.state_reason,
                'generation', changed.generation,
                'host_uid', changed.generation,
                'reconnect_deadline', null,
                'server_time', clock_timestamp()
            )::text);
        end if;
        if changed.count_changed then
            perform stream_ext.emit('viewers:' || changed.id, 'viewer_count', jsonb_build_object(
                'session_id', changed.id,
                'viewer_count', changed.viewer_count,
                'peak', changed.peak_viewer_count,
                'server_time', clock_timestamp()
            )::text);
        end if;
    end loop;
    return null;
end
$$;
comment on function stream_private.emit_session_changes() is
    'Broadcasts state changes to stream:<id> and viewer counts to viewers:<id>.';

create trigger stream_sessions_emit_changes
after update on stream.stream_sessions
referencing old table as old_rows new table as new_rows
for each statement execute function stream_private.emit_session_changes();

create function stream_private.flush_inserted_messages() returns trigger
language plpgsql
set search_path = ''
as $$
declare
    written uuid;
begin
    -- Ascending, as everywhere: two batches never wait for each other in a circle.
    for written in select distinct n.session_id from new_rows as n order by n.session_id loop
        perform stream_ext.flush(written);
    end loop;
    return null;
end
$$;
comment on function stream_private.flush_inserted_messages() is
    'Writes the frames of chat:<id> for the sessions that got messages.';

create trigger chat_messages_flush
after insert on stream.chat_messages
referencing new table as new_rows
for each statement execute function stream_private.flush_inserted_messages();

revoke all on function stream_private.emit_session_changes(), stream_private.flush_inserted_messages()
    from public, anon, authenticated, service_role;

-- sql/210_realtime_policies.sql

-- Who may join the private Realtime channels. The database is the only sender: there is no insert policy.
create function stream_private.can_read_topic(topic text) returns boolean
language plpgsql stable security definer
set search_path = ''
as $$
declare
    caller uuid := stream.user_id();
    kind text := split_part(topic, ':', 1);
    subject uuid;
begin
    -- Only the canonical form of a uuid: one topic, one spelling.
    if caller is null or topic !~ '^(stream|chat|viewers|user):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return false;
    end if;
    subject := split_part(topic, ':', 2);
    if kind = 'user' then
        return subject = caller;
    end if;
    return exists (
        select from stream.stream_sessions as s
        where s.id = subject
            and (
                s.seller_id = caller
                or (
                    coalesce(stream.hook_can_view(caller, s.id), false)
                    and (
                        kind <> 'chat'
                        or exists (
                            select from stream.stream_viewers as v
                            where v.session_id = s.id and v.user_id = caller
                        )
                    )
                )
            )
    );
end
$$;
comment on function stream_private.can_read_topic(text) is
    'Whether the caller may read a topic: stream and viewers need the right to view, chat needs to have joined, user is one''s own.';
revoke all on function stream_private.can_read_topic(text) from public, anon, authenticated, service_role;
grant execute on function stream_private.can_read_topic(text) to authenticated;

-- realtime.topic() is null outside Realtime's own check, so the stored rows cannot be read through this policy.
create policy stream_topics_read on realtime.messages
for select to authenticated
using (extension = 'broadcast' and (select stream_private.can_read_topic((select realtime.topic()))));
