-- Decisions of moderators: admitting the moderator, announcing the decision, and recording it.
-- Moderators are the seller, the service, and users whom hook_can_moderate admits and who are not banned. Calls that moderate
-- one session run one at a time, under a row that nothing else locks: what a call has read before it waits for the head still
-- holds after it.

create function stream_ext.moderation_take_turn(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    turn constant pg_catalog.uuid := coalesce($1, '00000000-0000-0000-0000-000000000000');
begin
    -- Twice: a session that is deleted between the two statements takes its row with it.
    for attempt in 1..2 loop
        perform from stream.moderation_turns as t where t.session_id = turn for no key update;
        if found then
            return;
        end if;
        -- Waits for a transaction that is adding the same row.
        insert into stream.moderation_turns (session_id)
        select turn where $1 is null or exists (select from stream.stream_sessions as s where s.id = $1)
        on conflict do nothing;
    end loop;
    perform from stream.moderation_turns as t where t.session_id = turn for no key update;
end
$$;
comment on function stream_ext.moderation_take_turn(uuid) is
    'Waits until nobody else moderates the session, or with null the terms of all streams, until the transaction ends. Locks nothing when there is no such session.';

create function stream_ext.moderation_standing(
    session_id uuid, actor uuid, out seller_id uuid, out has_ended boolean, out pinned_seq bigint, out rank text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select s.seller_id, s.state = 'ended', s.pinned_seq,
        case when $2 is null or s.seller_id = $2 then 'owner'
            when coalesce(stream.hook_can_moderate($2, s.id), false) and not exists (
                select from stream_private.bans as b where b.session_id = s.id and b.user_id = $2
            ) then 'moderator'
            else 'nobody' end
    into $3, $4, $5, $6
    from stream.stream_sessions as s where s.id = $1;
    if $3 is null then
        perform stream_ext.refuse('session_not_found');
    end if;
end
$$;
comment on function stream_ext.moderation_standing(uuid, uuid) is 'The rank of a user, null for the service, in a stream: owner, moderator or nobody.';

create function stream_ext.moderation_begin(
    session_id uuid, is_live boolean, out actor uuid, out seller_id uuid, out has_ended boolean, out pinned_seq bigint, out rank text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    $3 := stream_ext.enter_to_write();
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    -- Checked before the lock, so that callers who are refused do not queue.
    if (stream_ext.moderation_standing($1, $3)).rank = 'nobody' then
        perform stream_ext.refuse('not_moderator');
    end if;
    perform stream_ext.moderation_take_turn($1);
    select n.seller_id, n.has_ended, n.pinned_seq, n.rank into $4, $5, $6, $7
    from stream_ext.moderation_standing($1, $3) as n;
    if $7 = 'nobody' then
        perform stream_ext.refuse('not_moderator');
    end if;
    if $2 and $5 then
        perform stream_ext.refuse('stream_ended');
    end if;
end
$$;
comment on function stream_ext.moderation_begin(uuid, boolean) is
    'Admits moderators, with is_live those of a live stream alone, and waits until nobody else moderates it.';

create function stream_ext.moderation_lock_session(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream_state pg_catalog.text;
begin
    perform stream_ext.gate_close($1);
    select s.state into stream_state from stream.stream_sessions as s where s.id = $1 for no key update;
    if stream_state is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if stream_state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
end
$$;
comment on function stream_ext.moderation_lock_session(uuid) is
    'Locks the session, so that its state does not change and no join or token is decided meanwhile. Needed to change its row, and to ban. Comes before every other lock.';

create function stream_ext.moderation_record(
    session_id uuid, actor uuid, action text, seq bigint default null, about uuid default null, target_seq bigint default null,
    reason text default null, until timestamptz default null, term text default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into stream.moderation_log (session_id, seq, action, actor, user_id, target_seq, reason, until, term)
    values ($1, $4, $3, $2, $5, $6, $7, $8, $9);
end
$$;
comment on function stream_ext.moderation_record(uuid, uuid, text, bigint, uuid, bigint, text, timestamptz, text) is
    'Inserts a row of the moderation log; without a session it is about all streams.';

create function stream_ext.moderation_announce(
    session_id uuid, actor uuid, is_open boolean, action text, sentence text, metadata jsonb, about uuid default null,
    target_seq bigint default null, reason text default null, until timestamptz default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    number pg_catalog.int8;
begin
    if $3 then
        number := (stream_ext.log_system($1, $5, $6, case when $6 ? 'restriction' then 'urgent' else 'auction' end)).seq;
    end if;
    perform stream_ext.moderation_record($1, $2, $4, number, $7, $8, $9, $10, null);
end
$$;
comment on function stream_ext.moderation_announce(uuid, uuid, boolean, text, text, jsonb, uuid, bigint, text, timestamptz) is
    'Writes the system message that announces a decision, while the log is open, and records the decision. A restriction waits for nothing.';

create function stream_ext.moderation_notify(about uuid, event text, session_id uuid, restriction text, is_in_force boolean, until timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    perform stream_ext.emit('user:' || $1, $2, json_build_object(
        'session_id', $3, 'restriction', $4, 'is_in_force', $5, 'until', $6, 'server_time', clock_timestamp())::text);
end
$$;
comment on function stream_ext.moderation_notify(uuid, text, uuid, text, boolean, timestamptz) is 'Tells a user of a restriction, on their own topic.';

create function stream_ext.require_moderator(session_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    if (stream_ext.moderation_standing($1, caller)).rank = 'nobody' then
        perform stream_ext.refuse('not_moderator');
    end if;
end
$$;
comment on function stream_ext.require_moderator(uuid) is 'Admits a moderator who only reads.';

create function stream_ext.begin_moderation(session_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.moderation_begin($1, false)).actor;
end
$$;
comment on function stream_ext.begin_moderation(uuid) is
    'Admits a moderator and waits until nobody else moderates the stream, which may have ended; returns the moderator, null for the service.';
