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
